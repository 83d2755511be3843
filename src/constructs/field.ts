import type { NormalForm } from "../core/mask-options.ts";
import type { FieldMapping } from "../core/sync.ts";
import type { SecretReference } from "./secret.ts";

type BucketPeriod = NonNullable<NonNullable<FieldMapping["bucket"]>["by"]>;

/** What {@link FieldBuilder.noise} adds, and within which bounds the result stays. */
export type NoiseOptions = Readonly<Omit<NonNullable<FieldMapping["noise"]>, "secret">> & {
  readonly secret: SecretReference;
};

/** A value as it may stand in code; Ebb keeps it as text. */
export type Constant = string | number | boolean;

/**
 * Where a destination field's value comes from and what is done to it. Every method gives a new builder.
 * The steps run in one order, whatever the order of the calls: trim, case, cast, round, values, one mask (bucket, noise,
 * hash, tokenise or redact), truncate, default.
 */
export class FieldBuilder {
  readonly #mapping: FieldMapping;

  constructor(mapping: FieldMapping) {
    this.#mapping = mapping;
  }

  /** The declaration, in the form of the `fields` attribute. */
  get mapping(): FieldMapping {
    return this.#mapping;
  }

  /** Removes white space at both ends. */
  trim(): FieldBuilder {
    return this.#with({ trim: true });
  }

  lower(): FieldBuilder {
    return this.#with({ changeCase: "lower" });
  }

  upper(): FieldBuilder {
    return this.#with({ changeCase: "upper" });
  }

  /** Reads the value as this type; a value that does not fit rejects its record. */
  cast(type: NonNullable<FieldMapping["cast"]>): FieldBuilder {
    return this.#with({ cast: type });
  }

  /** Rounds half away from zero to so many decimals (0 to 12). */
  round(decimals: number): FieldBuilder {
    return this.#with({ round: decimals });
  }

  /**
   * Replaces each value by the one listed for it. A value not listed becomes `otherwise`; without it, its record is
   * rejected.
   */
  values(listed: Readonly<Record<string, Constant>>, otherwise?: Constant): FieldBuilder {
    const values = Object.fromEntries(Object.entries(listed).map(([from, to]) => [from, String(to)]));
    return this.#with({ values, ...(otherwise === undefined ? {} : { otherwise: String(otherwise) }) });
  }

  /**
   * Hexadecimal digest of the text. With `as`, the text is first brought to the form that an ad platform hashes on its
   * side. Whoever can guess a value can check the guess: where nobody has to match the values, use {@link tokenise}.
   *
   * @example field("email").hash("sha256", "googleEmail")
   */
  hash(algorithm: NonNullable<FieldMapping["hash"]> = "sha256", as?: NormalForm): FieldBuilder {
    return this.#with({ hash: algorithm, ...(as === undefined ? {} : { hashAs: as }) });
  }

  /**
   * Replaces the text by a token, its HMAC-SHA-256 in hexadecimal: equal values stay equal, and only the key leads to
   * them. Another key makes every token another one.
   *
   * @param length digits to keep, 16 to 64 (default: all 64)
   * @example field("customer_id").tokenise(env("TOKEN_KEY"))
   */
  tokenise(secret: SecretReference, { length }: { readonly length?: number } = {}): FieldBuilder {
    return this.#with({ tokenise: { secret, ...(length === undefined ? {} : { length }) } });
  }

  /** Replaces every value that is not null by the same text. */
  redact(text = "[redacted]"): FieldBuilder {
    return this.#with({ redact: text });
  }

  /**
   * Replaces each value by its bucket. With `width`, a number becomes the lower bound of its bucket; with `edges`, the
   * label of the bucket between them (`<0`, `0-99`, …); with `by`, a date or time becomes the first day of its day, week
   * (from Monday), month or year, in UTC.
   *
   * @example field("revenue").bucket({ edges: [0, 1_000, 10_000] }) // "<0", "0-999", "1000-9999", "10000+"
   */
  bucket(
    into: { readonly width: number } | { readonly edges: readonly number[] } | { readonly by: BucketPeriod },
  ): FieldBuilder {
    return this.#with({ bucket: "edges" in into ? { edges: [...into.edges] } : into });
  }

  /**
   * Adds Laplace noise of scale `sensitivity / epsilon` to a number: two values that lie at most `sensitivity` apart are
   * seen as the same number with chances that differ by no more than a factor of e^epsilon. The noise follows from the
   * secret, the record, the field and the value, so plans stay empty while nothing changes. Each new value of a record is
   * one more look at it: the epsilons of all its values add up. The result is rounded as {@link round} or the
   * destination's field says, and kept between `min` and `max`.
   *
   * @example field("income").noise({ epsilon: 0.5, sensitivity: 1_000, secret: env("NOISE_KEY"), min: 0 })
   */
  noise(options: NoiseOptions): FieldBuilder {
    return this.#with({ noise: options });
  }

  /** Keeps at most so many characters. */
  truncate(characters: number): FieldBuilder {
    return this.#with({ truncate: characters });
  }

  /** What a null becomes. */
  default(value: Constant): FieldBuilder {
    return this.#with({ default: String(value) });
  }

  /** What a null in the warehouse does to the field: clear it (default), keep what is there, or reject the record. */
  whenNull(action: NonNullable<FieldMapping["whenNull"]>): FieldBuilder {
    return this.#with({ whenNull: action });
  }

  /** Writes only where the destination's field is empty. */
  onlyIfEmpty(): FieldBuilder {
    return this.#with({ onlyIfEmpty: true });
  }

  /** Writes when the record is created, never afterwards. */
  createOnly(): FieldBuilder {
    return this.#with({ createOnly: true });
  }

  /**
   * Says which sync the field belongs to, where several write it: the others write it only in records that they create.
   * Each of them names the same owner.
   */
  ownedBy(sync: string): FieldBuilder {
    return this.#with({ owner: sync });
  }

  /** Lets the field's values be shown in logs, comments and reports. */
  public(): FieldBuilder {
    return this.#with({ privacy: "public" });
  }

  /** Masked in logs, comments and reports, keeping the shape of the values; the same as saying nothing. */
  internal(): FieldBuilder {
    return this.#with({ privacy: "internal" });
  }

  /** Personal data: masked in logs, comments and reports, and left out of every statistic. */
  pii(): FieldBuilder {
    return this.#with({ privacy: "pii" });
  }

  /** Nothing of the values is shown in logs, comments and reports but that they changed. */
  secret(): FieldBuilder {
    return this.#with({ privacy: "secret" });
  }

  #with(more: FieldMapping): FieldBuilder {
    return new FieldBuilder({ ...this.#mapping, ...more });
  }
}

/**
 * A source column.
 *
 * @example field("lifetime_value").round(2).onlyIfEmpty()
 */
export function field(column: string): FieldBuilder {
  return new FieldBuilder({ column });
}

/**
 * The same value for every record.
 *
 * @example constant("warehouse")
 */
export function constant(value: Constant): FieldBuilder {
  return new FieldBuilder({ constant: String(value) });
}

/**
 * Text with `{column}` in it; null where one of its columns is null. `{{` and `}}` stand for braces.
 *
 * @example template("{first_name} {last_name}")
 */
export function template(text: string): FieldBuilder {
  return new FieldBuilder({ template: text });
}

/**
 * The destination's id of another record, found through a column. A row whose record is not there is rejected.
 *
 * @example lookup({ object: "Account", matchOn: "Domain__c", column: "domain" })
 */
export function lookup(of: NonNullable<FieldMapping["lookup"]>): FieldBuilder {
  return new FieldBuilder({ lookup: of });
}
