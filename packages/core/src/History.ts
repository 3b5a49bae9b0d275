/** What is known of earlier attempts, since that changes what a later answer means. */

// No id: half of a surrogate pair can't be sent.
const SOMEBODY = "\ud800"

/** Attempts since the last success, and attempts that may have deleted the customer, those under way included. */
export type Entry = { attempts: number; ambiguous: number }

/** The attempts of all calls within one retry, by customer. */
export class History {
  /** All attempts that were recorded here. */
  recorded = 0
  private readonly entries = new Map<string, Entry>()

  private entry(customerId: string): Entry {
    const entry = this.entries.get(customerId) ?? { attempts: 0, ambiguous: 0 }
    this.entries.set(customerId, entry)
    return entry
  }

  /** Records that an attempt begins, and gives how many there were before. Until it ends it counts as ambiguous. */
  begin(customerId: string): number {
    const entry = this.entry(customerId)
    this.recorded++
    entry.ambiguous++
    return entry.attempts++
  }

  /** A deletion stays on record as ambiguous: its receipt may get lost, and a later 404 is then no surprise. */
  succeeded(customerId: string): void {
    this.entry(customerId).attempts = 0
  }

  failed(customerId: string, ambiguous: boolean): void {
    if (!ambiguous) this.entry(customerId).ambiguous--
  }

  /** Records an attempt that is known by its error alone. */
  failedForSomebody(ambiguous: boolean): void {
    this.recorded++
    if (ambiguous) this.entry(SOMEBODY).ambiguous++
  }

  /** Whether an attempt may have deleted this customer. */
  mayBeDeleted(customerId: string): boolean {
    return [customerId, SOMEBODY].some((id) => (this.entries.get(id)?.ambiguous ?? 0) > 0)
  }

  mayAnyBeDeleted(): boolean {
    return Array.from(this.entries.keys()).some((customerId) => this.mayBeDeleted(customerId))
  }
}
