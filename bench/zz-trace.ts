import { DuckDBConnection } from "@duckdb/node-api";
for (const m of ["run","runAndReadAll"] as const) { const old=(DuckDBConnection.prototype as any)[m]; (DuckDBConnection.prototype as any)[m]=async function(sql:string,...a:any[]){const t=performance.now(); const r=await old.call(this,sql,...a); const d=performance.now()-t; if(d>60) console.error(Math.round(d),sql.replace(/\s+/g," ").slice(0,140)); return r;}; }
const { benchPostgres } = await import("./postgres.ts"); console.log(await benchPostgres(1000000)); process.exit(0);
