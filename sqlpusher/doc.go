// Package sqlpusher publishes events that were written in a transaction of the app's own
// database, PostgreSQL or SQLite. An event of a transaction that is committed is
// published whatever crashes, and an event of a transaction that is rolled back is not.
//
//   - [Store.Add] writes events in a transaction, and a [Relay] publishes them, in order for
//     each channel.
//   - Channels that [WithHistory] selects have numbered events. [Store.Handler] returns
//     those that a subscriber has missed; package catchup and the JavaScript module of
//     [ScriptHandler] fetch them.
//   - [Store.Once] applies a webhook once in a transaction, and [Store.Duplicates] is a
//     [webhook.DuplicateStore].
//
// All of it is a [Store], whose tables [Store.Migrate] creates. It uses database/sql with
// any driver. Statements are prepared by the driver at most: nothing depends on the
// session, so PgBouncer in transaction mode works.
//
// Tables hold data as it is passed to Add, unencrypted, also for encrypted channels.
//
// See docs/never-lose-an-event.md, docs/let-browsers-catch-up.md and
// docs/apply-webhooks-once.md, and docs/sqlpusher-design.md for the guarantees.
package sqlpusher
