// How far a map has come.

export interface ItemCounts {
  /** How many items the list has, as far as it was gone through. */
  readonly total: number;
  /** How many were executed now, and completed. */
  readonly completed: number;
  /** How many had their record already. */
  readonly restored: number;
  readonly failed: number;
}
