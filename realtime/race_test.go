//go:build race

package realtime_test

// raceEnabled reports that the race detector is on, which needs memory of its own.
const raceEnabled = true
