/** What is known of earlier attempts, since that changes what a later answer means. */

// No id: half of a surrogate pair can't be sent.
const SOMEBODY = "\ud800"

/** The attempts to delete one customer. */
export class Entry {
  /** Since the last success. */
  attempts = 0
  /** Those that may have deleted the customer, those under way included. */
  ambiguous = 0
}

/** The attempts of all calls within one retry, by customer. */
export class History {
  /** All attempts that were recorded here. */
  recorded = 0
  private readonly entries = new Map<string, Entry>()

  /** The record of a customer, for one more attempt. */
  next(customerId: string): Entry {
    this.recorded++
    const entry = this.entries.get(customerId) ?? new Entry()
    this.entries.set(customerId, entry)
    return entry
  }

  /** Records an attempt that is known by its error alone. */
  failedForSomebody(ambiguous: boolean): void {
    const entry = this.next(SOMEBODY)
    if (ambiguous) entry.ambiguous++
  }

  /** Whether an attempt may have deleted this customer. */
  mayBeDeleted(customerId: string): boolean {
    return [customerId, SOMEBODY].some((id) => (this.entries.get(id)?.ambiguous ?? 0) > 0)
  }

  mayAnyBeDeleted(): boolean {
    return Array.from(this.entries.keys()).some((customerId) => this.mayBeDeleted(customerId))
  }
}

/** One attempt, on the record of its call and of the retries around. Until it ends it counts as ambiguous. */
export class Attempted {
  /** How many attempts there were before. */
  resends = 0
  private readonly entries: ReadonlyArray<Entry>

  constructor(
    call: Entry,
    private readonly around: ReadonlyArray<History>,
    private readonly customerId: string
  ) {
    this.entries = [call, ...around.map((history) => history.next(customerId))]
    for (const entry of this.entries) {
      this.resends = Math.max(this.resends, entry.attempts++)
      entry.ambiguous++
    }
  }

  /** A deletion stays on record as ambiguous: its receipt may get lost, and a later 404 is then no surprise. */
  succeeded(): void {
    for (const entry of this.entries) entry.attempts = 0
  }

  /** Gives whether another attempt may have deleted the customer. */
  failed(ambiguous: boolean): boolean {
    if (!ambiguous) for (const entry of this.entries) entry.ambiguous--
    const { around, customerId, entries } = this
    return entries.some((entry) => entry.ambiguous > 0) || around.some((history) => history.mayBeDeleted(customerId))
  }
}
