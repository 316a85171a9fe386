package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"porthole/gateway/bridge"
)

// keys are those of a file that is read again when it has changed: a line for
// each user,
//
//	NAME KEY [watch] [TARGET…]
//
// with the targets that he may dial, of those that there are; all if he has none
// of his own. With the word watch he sees the events of all sockets. A line that
// begins with # is a remark.
type keys struct{ reread[*users] }

// users are those of the file.
type users struct {
	byName map[string]*user
	bySum  map[[sha256.Size]byte]*user // by the hash of the key, which tells nothing by how long it takes
}

func newKeys(file string, logger *slog.Logger) *keys {
	return &keys{reread[*users]{flag: "--keys", names: []string{file}, parse: readKeys, every: lookEvery, logger: logger}}
}

// user is a line of the file.
type user struct {
	name    string
	key     string
	watch   bool
	targets []bridge.Target
}

// minKey is how long a key is at least: too long to be tried.
const minKey = 20

var userName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// parseKeys reads the text of a file. Its errors name the line and never the key.
func parseKeys(text string) (map[string]*user, error) {
	users := map[string]*user{}
	sums := map[string]bool{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		switch {
		case len(f) < 2:
			return nil, fmt.Errorf("line %d: want NAME KEY [TARGET…]", n)
		case !userName.MatchString(f[0]):
			return nil, fmt.Errorf("line %d: a name is of at most 64 letters, digits, - and _", n)
		case len(f[1]) < minKey:
			return nil, fmt.Errorf("line %d: the key of %s has less than %d characters; make one: openssl rand -base64 24", n, f[0], minKey)
		case users[f[0]] != nil || sums[f[1]]:
			return nil, fmt.Errorf("line %d: the name %s, or its key, is there already", n, f[0])
		}
		u := &user{name: f[0], key: f[1]}
		for _, s := range f[2:] {
			if s == "watch" {
				u.watch = true
				continue
			}
			t, err := bridge.ParseTarget(s)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			u.targets = append(u.targets, t)
		}
		users[u.name], sums[u.key] = u, true
	}
	if len(users) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return users, nil
}

// lookEvery is how often the file is looked at.
const lookEvery = time.Second

// readKeys is parseKeys for the file.
func readKeys(files []text) (*users, error) {
	byName, err := parseKeys(files[0].body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", files[0].name, err)
	}
	all := &users{byName, map[[sha256.Size]byte]*user{}}
	for _, u := range byName {
		all.bySum[sha256.Sum256([]byte(u.key))] = u
	}
	return all, nil
}

// bearer is the user whose key it is, nil if it is no one's.
func (k *keys) bearer(key string) *user { return k.get().bySum[sha256.Sum256([]byte(key))] }

// named is the user of that name, nil if there is none.
func (k *keys) named(name string) *user { return k.get().byName[name] }

// holds tells whether a user has the same key still.
func (k *keys) holds(u *user) bool {
	now := k.named(u.name)
	return now != nil && now.key == u.key
}
