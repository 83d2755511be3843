/**
 * The real command line in a world that fails where it is told to. Two variables of the environment say how:
 * `EBB_FAILPOINT` as `ebb/failpoint.ts` reads it, `EBB_BEND` as `ebb/bends.ts` does.
 * @module
 */
import { main } from "../../src/cli/main.ts";
import { bend, readBends } from "./ebb/bends.ts";
import { failingCalls } from "./ebb/calls.ts";
import { failingDisk } from "./ebb/disk.ts";
import { Failpoint, parseFailpoint } from "./ebb/failpoint.ts";
import { breakableFiles } from "./ebb/files.ts";

const failpoint = new Failpoint(parseFailpoint(process.env.EBB_FAILPOINT));
const bends = readBends(process.env.EBB_BEND);
breakableFiles(failpoint);

await main(process.argv.slice(2), (world) => {
  const bent = bend(world, bends);
  return {
    ...bent,
    disk: failingDisk(bent.disk, failpoint, bends.losesUnsynced ?? false),
    dispatcher: async () => failingCalls(await bent.dispatcher(), failpoint, bends),
  };
});
