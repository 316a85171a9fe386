package bridge

import "testing"

// What drivers put behind ?address=, which is not always what a target looks like.
func TestNeonTarget(t *testing.T) {
	for address, want := range map[string]string{
		"db.test:5433":              "db.test:5433",
		"DB.test.:5433":             "db.test:5433",
		"db.test":                   "db.test:5432",
		"10.0.0.1":                  "10.0.0.1:5432",
		"[::1]:5433":                "[::1]:5433",
		"::1:5433":                  "[::1]:5433",
		"[::1]":                     "[::1]:5432",
		"::1":                       "[::1]:5432",
		"2001:db8::1":               "[2001:db8::1]:5432",
		"2001:db8::1:5433":          "[2001:db8::1]:5433",
		"/run/postgresql/.s.5432":   "/run/postgresql/.s.5432",
		"@postgresql":               "@postgresql",
		"":                          "",
		"db.test:0":                 "no one's",
		"db.test:x":                 "no one's",
		":5432":                     "no one's",
		"postgres://db.test:5432/x": "no one's",
		"2001:db8::1:x":             "no one's",
	} {
		got, err := neonTarget(address)
		switch {
		case want == "no one's":
			if listed := (Target{Host: "db.test", Port: 1, Last: 65535}); err == nil && listed.Lists(got) {
				t.Errorf("%q is %v, want none", address, got)
			}
		case want == "":
			if got != (Target{}) || err != nil {
				t.Errorf("%q is %v, %v, want the zero target", address, got, err)
			}
		case err != nil || got.String() != want:
			t.Errorf("%q is %v, %v, want %s", address, got, err, want)
		}
	}
}
