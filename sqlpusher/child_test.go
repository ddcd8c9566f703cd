//go:build interop

package sqlpusher_test

const childEnv = "SQLPUSHER_TEST_CHILD"

// child runs a relay in a process of its own, which tests kill.
func child() int { return 0 }
