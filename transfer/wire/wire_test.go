package wire_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/transfer/wire"
)

func TestRendezvousPrintsRedacted(t *testing.T) {
	v := wire.Rendezvous{Channel: [16]byte{0xaa, 0xbb}, Token: [16]byte{0xcc, 170}, Role: wire.Sender}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v, "p", &v)
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%X", "%d", "%s", "%q", "%o", "%b"} {
		for _, arg := range []any{v, &v, []wire.Rendezvous{v}} {
			s := fmt.Sprintf(verb, arg)
			if !strings.Contains(s, "rendezvous(S, redacted)") {
				t.Errorf("%s of %T prints %q", verb, arg, s)
			}
		}
	}
	if strings.Contains(log.String(), "170") || strings.Contains(log.String(), "aa") || !strings.Contains(log.String(), "redacted") {
		t.Errorf("log shows %q", log.String())
	}
}

func TestRoles(t *testing.T) {
	for _, r := range []wire.Role{wire.Receiver, wire.Sender} {
		if got, ok := wire.ParseRole(r.String()); !ok || got != r {
			t.Errorf("ParseRole(%q) = %v, %v", r.String(), got, ok)
		}
	}
	for _, s := range []string{"", "r", "s", "RS", "invalid"} {
		if _, ok := wire.ParseRole(s); ok {
			t.Errorf("ParseRole(%q) is accepted", s)
		}
	}
}

func TestCodesHaveDistinctNames(t *testing.T) {
	names := map[string]wire.Code{}
	for c := wire.Code(0); c < 64; c++ {
		known := !strings.HasPrefix(c.String(), "code ")
		if known != c.Known() {
			t.Errorf("code %d: Known is %v, but its name is %q", c, c.Known(), c)
		}
		if other, taken := names[c.String()]; taken {
			t.Errorf("codes %d and %d are both %q", c, other, c)
		}
		names[c.String()] = c
	}
}
