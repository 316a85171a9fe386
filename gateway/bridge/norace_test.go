//go:build !race

package bridge_test

const race = false
