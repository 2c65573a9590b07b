// The one table of defaults and fixed limits.

const seconds = 1_000;
const minutes = 60 * seconds;

export const defaults = {
  /** Attempts in all. */
  retry: 1,
  retryDelay: 1 * seconds,
  backoffFactor: 2,
  /** The part of a delay that `jitter: true` makes random. */
  jitter: 0.5,
  lease: 30 * seconds,
  groupName: "default",
  /** Items of a map at a time. */
  mapConcurrency: 16,
  /** Runs of a schedule at a time, where they may overlap. */
  scheduleLimit: 4,
} as const;

export const limits = {
  /** Renewals come this many times in a lease time. */
  renewalsPerLease: 3,
  /** The owner counts its lease as over after this part of it, so that it stops before a contender begins. */
  ownerMargin: 0.8,
  /** A contender counts a lease as silent after this part of it. */
  contenderMargin: 1.1,
  /** A contender looks again this many times in a lease time. */
  looksPerLease: 5,
  /** How far the wall clocks of two machines may differ: an older renewal counts as silent without waiting. */
  clockDifference: 15 * minutes,
  /** How long one storage call may take, its retries included. */
  storageCall: 30 * seconds,
  /** Attempts of a storage call that failed with a retryable error. */
  storageAttempts: 5,
  storageRetryDelay: 100,
  /** How long the end of a run waits for what observers and callbacks began. */
  observerGrace: 5 * seconds,
  /** How many of an observer's promises may be pending before its events wait in line. */
  observerPending: 1_000,
  /** How many events of an observer may wait in line before they are dropped. */
  observerLine: 10_000,
  /** How many characters the note of an observer may have. */
  observerNote: 256,
  /** How many errors of the items of a map are kept: a million of them must not fill the memory. */
  itemErrors: 100,
  /** How much time lies between two reports of how far a map is. */
  progressEvery: 100,
  /** How long a cancelled run waits for steps that were told to stop, so that what they finish is still saved. */
  cancelGrace: 2 * seconds,
  /** How long work may go on without giving timers and I/O their turn. */
  eventLoopTurn: 10,
  /** How many records that nothing follows from are read after a crash, to see whether they are torn. */
  tornChecks: 256,
  /** Ended leases that stay; they are removed this many at a time. */
  keptLeases: 32,
  /** A run that waits in place looks for signals after this time, then after twice as long, up to the longest. */
  firstLook: 100,
  longestLook: 5 * seconds,
  /** A schedule looks at the clock after this time at the latest: timers stand still while the machine sleeps. */
  scheduleLook: 30 * seconds,
  /** Keys: longest part before it is shortened with a hash. */
  keyPart: 120,
  /** How many reads run side by side where many records are read. */
  readConcurrency: 16,
} as const;
