//go:build race

package bridge_test

// race tells whether the tests look for data races.
const race = true
