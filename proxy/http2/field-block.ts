import { type Field, Name, NameFlag } from "../http/field.ts";
import {
  AUTHORITY,
  HOST,
  METHOD,
  PATH,
  SCHEME,
  STATUS,
  UNKNOWN_LENGTH,
} from "../http/message.ts";
import { sizeOf } from "./dynamic-table.ts";

const CONTENT_LENGTH = Name.of("content-length");
/** Fields with any of these, and `host`, need a second look; all others are only appended. */
const SPECIAL = NameFlag.pseudo | NameFlag.framing;
/** Digits of a length that stays exact in a double. */
const MAX_LENGTH_DIGITS = 15;

/**
 * The decoded fields of one HEADERS frame with its continuations: sorted, counted, and checked as they come. A connection
 * has one and uses it again for each block.
 */
export class FieldBlock {
  method: Field | null = null;
  scheme: Field | null = null;
  authority: Field | null = null;
  path: Field | null = null;
  status: Field | null = null;
  host: Field | null = null;
  /** All but pseudo-fields and `host`. */
  fields: Field[] = [];
  contentLength = UNKNOWN_LENGTH;
  /** What makes the message malformed (RFC 9113 8.1.1), null while nothing does. */
  fault: string | null = null;
  /** True when the list outgrew `maxBytes`: what came after was only decoded, not kept. */
  tooLarge = false;
  /** True when there was any pseudo-field. */
  hasPseudo = false;
  private size = 0;
  private regular = false;
  private readonly maxBytes: number;

  /** `maxBytes` as SETTINGS_MAX_HEADER_LIST_SIZE counts: name, value and 32 for each field. */
  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Forgets the last block; its `fields` are whoever's who took them. */
  begin(): void {
    this.method = null;
    this.scheme = null;
    this.authority = null;
    this.path = null;
    this.status = null;
    this.host = null;
    this.fields = [];
    this.contentLength = UNKNOWN_LENGTH;
    this.fault = null;
    this.tooLarge = this.hasPseudo = this.regular = false;
    this.size = 0;
  }

  add(field: Field): void {
    this.size += sizeOf(field);
    if (this.size > this.maxBytes) {
      this.tooLarge = true;
      return;
    }
    const { name } = field;
    if ((name.flags & SPECIAL) === 0 && name !== HOST) {
      this.fields.push(field);
    } else if ((name.flags & NameFlag.pseudo) !== 0) {
      this.addPseudo(field);
    } else this.addSpecial(field);
  }

  /** Marks the message malformed because of a field that no message may contain. */
  refuse(field: Field): void {
    this.fault ??= `a forbidden field, "${field.name.text}"`;
  }

  private addPseudo(field: Field): void {
    this.hasPseudo = true;
    if (this.regular || this.fields.length > 0) {
      this.fault ??= "a pseudo-field after other fields";
    }
    switch (field.name) {
      case METHOD:
        this.method = this.once(this.method, field);
        break;
      case SCHEME:
        this.scheme = this.once(this.scheme, field);
        break;
      case AUTHORITY:
        this.authority = this.once(this.authority, field);
        break;
      case PATH:
        this.path = this.once(this.path, field);
        break;
      case STATUS:
        this.status = this.once(this.status, field);
        break;
      default:
        this.fault ??= "an unknown pseudo-field";
    }
  }

  private addSpecial(field: Field): void {
    this.regular = true;
    if (field.name === HOST) this.host = this.once(this.host, field);
    else if (field.name === CONTENT_LENGTH) this.addLength(field);
    else this.fields.push(field);
  }

  private once(present: Field | null, field: Field): Field {
    if (present !== null) this.fault ??= "a field twice that may occur once";
    return field;
  }

  private addLength(field: Field): void {
    if (this.contentLength !== UNKNOWN_LENGTH) {
      this.fault ??= "two content-length fields";
    } else if (field.value.length > MAX_LENGTH_DIGITS) {
      this.fault ??= "an absurd content-length";
    } else this.contentLength = parseDigits(field.value);
    this.fields.push(field);
  }
}

/** The number in a value that is known to consist of digits. */
export function parseDigits(value: Uint8Array): number {
  let number = 0;
  for (let at = 0; at < value.length; at++) {
    number = number * 10 + (value[at] ?? 0) - 0x30;
  }
  return number;
}
