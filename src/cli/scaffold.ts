/** The files of a new project. @module */
import { type ForgeName, workflowFiles, workflowPaths, workflowSteps } from "./workflows/workflow.ts";

export interface ScaffoldOptions {
  readonly name: string;
  /** What package.json asks for: a version, or `file:` and a path. */
  readonly ebb: string;
  readonly ci: ForgeName;
}

/** Environment variables that the stack takes its secrets from. */
const secrets = ["SF_CLIENT_ID", "SF_CLIENT_SECRET"] as const;

/** Path to content. The stack runs at once: a CSV file for a warehouse, a sandbox for a CRM. */
export function scaffold({ name, ebb, ci }: ScaffoldOptions): Readonly<Record<string, string>> {
  return {
    "package.json": `${JSON.stringify(
      {
        name,
        version: "0.0.0",
        private: true,
        type: "module",
        scripts: { plan: "ebb plan", apply: "ebb apply" },
        dependencies: { ebb },
      },
      null,
      2,
    )}\n`,
    "cdktf.json": `${JSON.stringify(
      { language: "typescript", app: "node --import ebb/typescript main.ts", output: "cdktf.out" },
      null,
      2,
    )}\n`,
    "tsconfig.json": `${JSON.stringify(
      {
        compilerOptions: {
          target: "ES2023",
          module: "NodeNext",
          moduleResolution: "NodeNext",
          strict: true,
          noEmit: true,
          skipLibCheck: true,
        },
        include: ["*.ts"],
      },
      null,
      2,
    )}\n`,
    "main.ts": stack(name),
    "data/customers.csv": customers,
    ".gitignore": "node_modules/\ncdktf.out/\n.ebb/\n*.ebb\n",
    ...workflowFiles(ci, { secrets }),
    "README.md": readme(name, ci),
  };
}

function stack(name: string): string {
  return `import { App, DuckDB, env, field, Salesforce, sql, State, Sync, SyncStack } from "ebb";

const app = new App();
const stack = new SyncStack(app, ${JSON.stringify(name)}, { state: State.local(".ebb") });

// The warehouse: DuckDB over the files in data/. Take Postgres or another system for a real one.
const warehouse = new DuckDB(stack, "warehouse");

// The CRM: a sandbox on this machine that behaves like Salesforce, with its records in .ebb/sandbox/crm.
// Without baseUrl, and with your loginUrl and the two variables set, it is your organisation.
const crm = new Salesforce(stack, "crm", {
  baseUrl: "sandbox:.ebb/sandbox/crm",
  loginUrl: "https://example.my.salesforce.com",
  clientId: env("SF_CLIENT_ID"),
  clientSecret: env("SF_CLIENT_SECRET"),
});

new Sync(stack, "customers", {
  source: warehouse.query(sql\`
    select email, first_name, last_name, segment, lifetime_value
    from read_csv('data/customers.csv')
  \`),
  key: "email",
  destination: crm.object("Contact", { matchOn: "Email" }),
  mode: "upsert",
  fields: {
    FirstName: "first_name",
    LastName: "last_name",
    // Values of public fields may be shown in logs and comments; all others are masked there.
    Segment__c: field("segment").public(),
    Lifetime_Value__c: field("lifetime_value").round(2),
  },
});

app.synth();
`;
}

const customers = `email,first_name,last_name,segment,lifetime_value
ada@example.com,Ada,Lovelace,Loyal,1890.50
alan@example.com,Alan,Turing,Growing,420.00
grace@example.com,Grace,Hopper,Loyal,2310.25
katherine@example.com,Katherine,Johnson,New,75.00
edsger@example.com,Edsger,Dijkstra,At Risk,640.10
barbara@example.com,Barbara,Liskov,Growing,980.00
`;

/** Contacts the sandbox begins with: one as it should be, two that are out of date, and one of somebody else. */
export const seed = {
  Contact: [
    {
      Email: "ada@example.com",
      FirstName: "Ada",
      LastName: "Lovelace",
      Segment__c: "Loyal",
      Lifetime_Value__c: 1890.5,
    },
    { Email: "alan@example.com", FirstName: "Alan", LastName: "Turing", Segment__c: "New", Lifetime_Value__c: 120 },
    { Email: "grace@example.com", FirstName: "Grace", LastName: "Hopper", Segment__c: "Loyal" },
    { Email: "stranger@example.org", LastName: "Stranger" },
  ],
} as const;

function readme(name: string, ci: ForgeName): string {
  return `# ${name}

Which rows of the warehouse belong in which business tool, as code. \`main.ts\` declares it.

\`\`\`
npx ebb plan                    # what would change, record by record
npx ebb plan --out plan.ebb     # the same, saved to be reviewed
npx ebb apply plan.ebb          # exactly that
npx ebb plan                    # now nothing is left to do
\`\`\`

Nothing here needs an account: the warehouse is \`data/customers.csv\`, the CRM a sandbox on this machine.

Next:

- Change a line of \`data/customers.csv\` and plan again.
- \`npx ebb systems\` lists the systems; \`npx ebb systems salesforce\` shows the options of a connection.
- Take away \`baseUrl\` in \`main.ts\`, write your \`loginUrl\`, set \`SF_CLIENT_ID\` and \`SF_CLIENT_SECRET\`, and
  \`npx ebb doctor\` says what is missing for your own organisation.
- \`${workflowPaths[ci]}\` plans on a ${ci === "github" ? "pull" : "merge"} request and applies exactly that on the merge. It needs, once:
${workflowSteps(ci, { secrets })
  .map((line) => `  ${line.startsWith(" ") ? "  " : "- "}${line.trim()}`)
  .join("\n")}
`;
}
