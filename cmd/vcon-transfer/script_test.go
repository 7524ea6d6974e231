package main

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/vcon-transfer/vcon-transfer/hpke"
	"github.com/vcon-transfer/vcon-transfer/pairing"
)

// TestScripts runs testdata/script. Besides the commands of testscript there are
//
//	exits CODE ARG...                   runs vcon-transfer and compares its exit code
//	pair [R,S] receive... -- send...    both devices as processes, digits copied; exit codes, default 0,0
//	relay [ARG...]                      a relay in the background; its URL is $RELAY
//	offer HOW FILE                      the text of an offer that is wrong in one way
//	cut FILE NEW N                      copies a file without its last N bytes
//	mode FILE MODE                      compares the mode of a file
//
// pair leaves the outputs of both in receive.out, receive.err, send.out, send.err.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("DATA", filepath.Join(root, "testdata"))
			env.Setenv("XDG_DATA_HOME", filepath.Join(env.WorkDir, "data"))
			env.Setenv("TZ", "UTC")
			env.Setenv("TMPDIR", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": scriptExits,
			"pair":  scriptPair,
			"relay": scriptRelay,
			"offer": scriptOffer,
			"mode":  scriptMode,
			"cut":   scriptCut,
		},
	})
}

func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARG...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("vcon-transfer", args[1:]...)
	got := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		got = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code is %d, want %d", got, want)
	}
}

func scriptPair(ts *testscript.TestScript, neg bool, args []string) {
	wantReceive, wantSend := 0, 0
	if len(args) > 0 {
		if r, s, ok := strings.Cut(args[0], ","); ok {
			var err error
			wantReceive, err = strconv.Atoi(r)
			ts.Check(err)
			wantSend, err = strconv.Atoi(s)
			ts.Check(err)
			args = args[1:]
		}
	}
	run := pairRun{dir: ts.MkAbs("."), env: environ(ts)}
	for i, a := range args {
		if a == "--" {
			run.receive, run.send = args[:i], args[i+1:]
		}
	}
	if neg || len(run.receive) == 0 || run.receive[0] != "receive" || len(run.send) == 0 || run.send[0] != "send" {
		ts.Fatalf("usage: pair [R,S] receive ARG... -- send ARG...")
	}
	run.receive, run.send = run.receive[1:], run.send[1:]
	receive, send, err := run.run(context.Background())
	for _, p := range []*process{receive, send} {
		if p != nil {
			ts.Check(os.WriteFile(ts.MkAbs(p.name+".out"), p.out.Bytes(), 0o600))
			ts.Check(os.WriteFile(ts.MkAbs(p.name+".err"), []byte(p.stderr()), 0o600))
			ts.Logf("[%s]\n%s", p.name, p.stderr())
		}
	}
	ts.Check(err)
	if receive.exit != wantReceive || send.exit != wantSend {
		ts.Fatalf("receive ended with %d, want %d; send with %d, want %d", receive.exit, wantReceive, send.exit, wantSend)
	}
}

func environ(ts *testscript.TestScript) (env []string) {
	for _, name := range []string{"XDG_DATA_HOME", "TZ", "TMPDIR", "HOME"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

func scriptRelay(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: relay [ARG...]")
	}
	relay, url, err := startRelay(context.Background(), ts.MkAbs("."), args...)
	ts.Check(err)
	ts.Setenv("RELAY", url)
	ts.Defer(func() {
		relay.Process.Signal(syscall.SIGTERM)
		if err := relay.Wait(); err != nil {
			ts.Logf("relay: %v", err)
		}
	})
}

// scriptOffer makes the text of an offer that is wrong in one way and passes the
// check, but for the mistyped one.
func scriptOffer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: offer HOW FILE")
	}
	text, err := offerThat(args[0])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text+"\n"), 0o600))
}

// offerThat is the text of an offer that is refused, or that leads nowhere.
func offerThat(how string) (string, error) {
	offer := pairing.Offer{
		Version: pairing.Version, Suite: hpke.SuiteXWing, Intent: pairing.SameAccount,
		Secret: hpke.Secret{1}, Expiry: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Route: pairing.Route{Kind: pairing.RouteTCP, Addr: netip.MustParseAddrPort("127.0.0.1:1")},
	}
	if how == "relay" {
		offer.Route = pairing.Route{Kind: pairing.RouteRelay, Path: "http://127.0.0.1:1"}
	}
	if how == "public" {
		offer.Route.Addr = netip.MustParseAddrPort("192.0.2.1:1")
	}
	body, err := offer.MarshalBinary()
	if err != nil {
		return "", err
	}
	text := offer.Text()
	switch how {
	case "mistyped":
		text = text[:20] + strings.Map(func(r rune) rune { return 'A' + 'Z' - r }, text[20:21]) + text[21:]
	case "cut":
		text = text[:len(text)-5]
	case "version":
		body[1]++
		text = withCheck(body)
	case "suite":
		body[2] = 23
		text = withCheck(body)
	case "expired", "relay", "public":
	default:
		return "", fmt.Errorf("no such offer: %s", how)
	}
	return text, nil
}

// withCheck is the text of an offer's bytes.
func withCheck(body []byte) string {
	check := hpke.Hash("offer check", body)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append(body, check[:3]...))
}

func scriptMode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode FILE MODE")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := strconv.FormatUint(uint64(info.Mode().Perm()), 8); got != args[1] {
		ts.Fatalf("the mode of %s is %s, want %s", args[0], got, args[1])
	}
}

func scriptCut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: cut FILE NEW N")
	}
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), data[:len(data)-n], 0o600))
}
