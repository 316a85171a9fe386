package e2e_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"syscall"
	"testing"
)

// installed is the path of a server's program, by a name or a pattern. Where the
// server is not installed the test is skipped, or fails if the environment says
// SERVERS=required.
func installed(t *testing.T, name string) string {
	t.Helper()
	if found, _ := filepath.Glob(name); len(found) > 0 {
		return found[len(found)-1]
	}
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("SERVERS") == "required" {
		t.Fatal(err)
	}
	t.Skipf("%v: what is for this server is not tested", err)
	return ""
}

// redisServer starts a Redis and returns its address.
func redisServer(t *testing.T) string {
	addr := unused(t)
	_, port, _ := net.SplitHostPort(addr)
	start(t, installed(t, "redis-server"), "--bind", "127.0.0.1", "--port", port,
		"--save", "", "--dir", t.TempDir(), "--logfile", "/dev/stderr").says("Ready to accept connections")
	return addr
}

// postgresServer starts a PostgreSQL that lets in the user porthole with the
// password, by one method (pg_hba.conf).
func postgresServer(t *testing.T, auth, password string) (p *process, addr string) {
	initdb := installed(t, "/usr/lib/postgresql/*/bin/initdb")
	dir, err := os.MkdirTemp("", "porthole-postgres-") // other users have no way into t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(password), 0o644); err != nil {
		t.Fatal(err)
	}
	as := []string{"env", "-C", dir}
	if os.Getuid() == 0 { // it refuses to be root
		must(t, "chown", "postgres", dir)
		as = append(as, "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
	}
	data := filepath.Join(dir, "data")
	must(t, append(as, initdb, "-D", data, "-U", "porthole", "--pwfile", secret, "--auth="+auth,
		"--encoding=UTF8", "--locale=C", "--no-sync")...)
	addr = unused(t)
	_, port, _ := net.SplitHostPort(addr)
	as = append(as, filepath.Join(filepath.Dir(initdb), "postgres"), "-D", data, "-F", "-p", port,
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
	p = start(t, as[0], as[1:]...)
	t.Cleanup(func() { // killed, it would leave its children behind
		_ = p.cmd.Process.Signal(syscall.SIGINT)
		p.wait()
	})
	p.says("database system is ready to accept connections")
	return p, addr
}

// sshServer starts an OpenSSH that lets the user of this process in with a key of a
// kind.
func sshServer(t *testing.T, kind string) (addr, name, key, host string) {
	sshd := installed(t, "/usr/sbin/sshd")
	if os.Getuid() == 0 { // it wants what the system makes when it starts one
		must(t, "mkdir", "-p", "-m", "755", "/run/sshd")
	}
	dir := t.TempDir()
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, key := range []string{"user", "host"} {
		must(t, "ssh-keygen", "-q", "-t", kind, "-N", "", "-f", filepath.Join(dir, key))
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	addr = unused(t)
	start(t, sshd, "-D", "-e", "-f", "/dev/null", "-h", filepath.Join(dir, "host"), "-o", "ListenAddress="+addr,
		"-o", "AuthorizedKeysFile="+filepath.Join(dir, "user.pub"), "-o", "StrictModes=no", // a temporary folder is writable
		"-o", "PasswordAuthentication=no", "-o", "PidFile=none").says("Server listening on")
	return addr, me.Username, read("user"), read("host.pub")
}

// mosquitto starts an MQTT broker for anyone on this machine.
func mosquitto(t *testing.T) (addr string) {
	program := installed(t, "/usr/sbin/mosquitto")
	addr = unused(t)
	_, port, _ := net.SplitHostPort(addr)
	conf := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "listener %s 127.0.0.1\nallow_anonymous true\n", port), 0o666); err != nil {
		t.Fatal(err)
	}
	start(t, program, "-v", "-c", conf).says("running")
	return addr
}

// must runs a command, which must succeed, and returns what it printed.
func must(t *testing.T, command ...string) string {
	t.Helper()
	out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	return string(out)
}
