import { localDisk } from "../../src/engine/state/disk.ts";
import { testState } from "./state.ts";

testState("on the local disk", () => localDisk);
