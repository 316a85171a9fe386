package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a certificate in two files that are read again when either has
// changed: those who renew it need not restart the gateway.
type certificate struct {
	certFile, keyFile string
	logger            *slog.Logger

	mu      sync.Mutex
	changed [2]time.Time // when the files had last, as of now
	now     *tls.Certificate
}

// load reads the files for the first time, so that a mistake shows at once.
func (c *certificate) load() error {
	changed, err := c.stat()
	if err != nil {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("--tls-cert %s, --tls-key %s: %w", c.certFile, c.keyFile, err)
	}
	c.changed, c.now = changed, &pair
	return nil
}

func (c *certificate) stat() (changed [2]time.Time, err error) {
	for i, name := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			return changed, err
		}
		changed[i] = info.ModTime()
	}
	return changed, nil
}

// get is for tls.Config.GetCertificate. Files that cannot be used leave what is.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed, err := c.stat()
	if err == nil && changed == c.changed {
		return c.now, nil
	}
	if err == nil {
		if err = c.load(); err == nil {
			c.logger.Info("the certificate is renewed")
			return c.now, nil
		}
		c.changed = changed // said once
	}
	c.logger.Warn("the certificate cannot be renewed, the last one stays", "error", err)
	return c.now, nil
}
