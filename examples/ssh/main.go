// Command ssh is golang.org/x/crypto/ssh in a web page. The gateway carries what it
// cannot read: the user's key, and the check of the server's, are in the page.
package main

import (
	"flag"
	"fmt"
	"log"
	"time"

	"golang.org/x/crypto/ssh"

	"porthole/web/netconn"
)

func main() {
	gateway := flag.String("gateway", "ws://127.0.0.1:8080/ws", "the gateway's WebSocket")
	addr := flag.String("addr", "localhost:22", "the server, as the gateway has it for a --target")
	user := flag.String("user", "root", "who logs in")
	key := flag.String("key", "", "his private key: the file's text")
	host := flag.String("host", "", "the server's public key: the text of its /etc/ssh/ssh_host_ed25519_key.pub")
	flag.Parse()
	d := &netconn.Dialer{URL: *gateway}
	defer d.Close()
	client, err := dial(d, *addr, *user, *key, *host)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	uname, err := output(client, "uname -a")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s on %s", client.ServerVersion(), uname)

	start := time.Now()
	zeros, err := output(client, "head -c 5000000 /dev/zero")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes in %v\n", len(zeros), time.Since(start).Round(time.Millisecond))
}

// dial is ssh.Dial, over a connection of the gateway's.
func dial(d *netconn.Dialer, addr, user, key, host string) (*ssh.Client, error) {
	signer, err := ssh.ParsePrivateKey([]byte(key))
	if err != nil {
		return nil, fmt.Errorf("-key: %w", err)
	}
	hostKey, _, _, _, err := ssh.ParseAuthorizedKey([]byte(host))
	if err != nil {
		return nil, fmt.Errorf("-host: %w", err)
	}
	c, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	conn, chans, reqs, err := ssh.NewClientConn(c, addr, &ssh.ClientConfig{
		User:              user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback:   ssh.FixedHostKey(hostKey),
		HostKeyAlgorithms: []string{hostKey.Type()}, // a server has several keys: ask for the one we know
	})
	if err != nil { // and c is closed
		return nil, err
	}
	return ssh.NewClient(conn, chans, reqs), nil
}

// output runs a command. Each has a session of its own; all share the connection.
func output(client *ssh.Client, command string) ([]byte, error) {
	session, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	defer session.Close()
	return session.Output(command)
}
