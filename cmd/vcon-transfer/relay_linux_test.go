package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A relay with a certificate is used over TLS, and one whose certificate nobody
// vouches for is not used. (Other systems take no trusted certificates from the
// environment.)
func TestRelayWithTLS(t *testing.T) {
	dir, ctx := t.TempDir(), limited(t)
	cert, key := certificate(t, dir)
	relay, url, err := startRelay(ctx, dir, "--tls-cert", cert, "--tls-key", key)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		relay.Process.Signal(os.Interrupt)
		relay.Wait()
	}()
	if !strings.HasPrefix(url, "https://127.0.0.1:") {
		t.Fatalf("the relay is at %q", url)
	}
	receive, send, err := pairRun{
		dir: dir, env: []string{"SSL_CERT_FILE=" + cert},
		receive: []string{"--no-lan", "--relay", url, "--store", "new.db"}, send: []string{sampleFile(t), "--yes"},
	}.run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	exits(t, receive, exitDone)
	exits(t, send, exitDone)

	alone := begin(t, ctx, dir, "receive", "--no-lan", "--relay", url, "--store", "x.db", "--qr", "none", "--expires", "1s")
	exits(t, alone, exitOffer)
}

// certificate makes a self-signed certificate for this machine.
func certificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: signed}, key: {Type: "PRIVATE KEY", Bytes: encoded},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
