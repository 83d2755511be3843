/**
 * Text as ad platforms want it before it is hashed, so that their hash and ours are equal. Each rule is the vendor's own:
 *
 * - Meta, "Customer Information Parameters" (Conversions API): e-mail trimmed and in lower case; phone without symbols,
 *   letters and leading zeros, with country code; names in lower case without punctuation, UTF-8.
 *   https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters
 * - Google, "Format user data" (Data Manager API; Customer Match and enhanced conversions alike): e-mail in lower case
 *   without any white space, and for gmail.com and googlemail.com without dots and without what follows a plus sign
 *   before the @; phone in E.164 with the plus sign; names in lower case, trimmed.
 *   https://developers.google.com/data-manager/api/devguides/concepts/formatting
 * - TikTok, "List of supported IDs and formats for a customer file": e-mail in lower case without what follows a plus
 *   sign before the @; phone as Meta's.
 *   https://ads.tiktok.com/help/article/list-of-supported-ids-and-formats-for-a-customer-file
 *
 * @module
 */
import type { NormalForm } from "./mask-options.ts";

/** White space of any script, and the two characters of no width that files bring along. */
const blanks = `'[\\s\\pZ' || chr(8203) || chr(65279) || ']+'`;

/**
 * SQL of the normal form of a text expression. Empty becomes NULL, because a hash of nothing would match everybody
 * without a value.
 */
export function normalSql(text: string, form: NormalForm): string {
  switch (form) {
    case "email":
      return filled(trimmed(`lower(${text})`));
    case "googleEmail": {
      const email = `regexp_replace(lower(${text}), ${blanks}, '', 'g')`;
      const local = `replace(regexp_replace(split_part(${email}, '@', 1), '\\+.*$', ''), '.', '')`;
      const google = `regexp_full_match(${email}, '[^@]+@(gmail|googlemail)\\.com')`;
      return filled(`CASE WHEN ${google} THEN ${local} || '@' || split_part(${email}, '@', 2) ELSE ${email} END`);
    }
    case "tiktokEmail":
      return filled(`regexp_replace(${trimmed(`lower(${text})`)}, '\\+[^@]*@', '@')`);
    case "phone":
      return phone(text, "");
    case "googlePhone":
      return phone(text, "+");
    case "name":
      return filled(trimmed(`regexp_replace(lower(nfc_normalize(${text})), '\\pP+', '', 'g')`));
    case "googleName":
      return filled(trimmed(`lower(nfc_normalize(${text}))`));
  }
}

/** SQL that is true for text that says something and has no such form. */
export function lostSql(text: string, form: NormalForm): string | undefined {
  if (form !== "phone" && form !== "googlePhone") return undefined;
  return `(${filled(trimmed(text))}) IS NOT NULL AND (${normalSql(text, form)}) IS NULL`;
}

/**
 * E.164 has at most 15 digits, the shortest numbers with country code have 7. A single zero in front is a national
 * number's: without it, it would be somebody else's number in another country. `+49 (0)30` says that it is left out.
 */
function phone(text: string, sign: string): string {
  const international = `regexp_replace(${text}, '^([^(0-9]*(\\+|00)[^(]*)\\(0\\)', '\\1')`;
  const digits = `regexp_replace(${international}, '[^0-9]', '', 'g')`;
  return `CASE WHEN regexp_full_match(${digits}, '(00+)?[1-9][0-9]{6,14}') THEN '${sign}' || ltrim(${digits}, '0') END`;
}

function trimmed(text: string): string {
  return `regexp_replace(regexp_replace(${text}, '^' || ${blanks}, ''), ${blanks} || '$', '')`;
}

function filled(text: string): string {
  return `nullif(${text}, '')`;
}
