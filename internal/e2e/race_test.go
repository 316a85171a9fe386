//go:build race

package e2e_test

// race tells whether the commands are to be built to find data races, as the
// tests are.
const race = true
