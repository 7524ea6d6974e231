package pairing

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

func TestCheckCode(t *testing.T) {
	h := paired(t)
	code := h.sending.CheckCode()
	wrong := fmt.Sprintf("%06d", (int(code[0])*100003+1)%1000000)
	if wrong == code {
		wrong = "000001"
	}
	for _, typed := range []string{"", "12345", "1234567", "12a456", "１２３４５６", "12345\x00", strings.Repeat("1", 100), "-----", "+12345"} {
		wantErr(t, h.r.TryCode(h.receiving, typed), ErrCodeFormat)
	}
	wantErr(t, h.r.TryCode(h.sending, code), ErrOrder)
	wantErr(t, h.r.TryCode(nil, code), ErrOrder)
	for left := CheckCodeTries - 1; left > 0; left-- {
		err := h.r.TryCode(h.receiving, wrong)
		wantErr(t, err, ErrWrongCode)
		if e, ok := errors.AsType[*WrongCodeError](err); !ok || e.Left != left || !strings.Contains(err.Error(), fmt.Sprint(left)) {
			t.Fatalf("%v, want %d tries left", err, left)
		}
	}
	wantErr(t, h.r.TryCode(h.receiving, wrong), ErrTooManyTries)
	wantErr(t, h.r.TryCode(h.receiving, code), ErrTooManyTries)
	if h.receiving.DataKey() != nil || h.receiving.CheckCode() != "" || h.receiving.ControlKey(SenderToReceiver) != nil {
		t.Error("the session outlives its tries")
	}

	h = paired(t)
	code = h.sending.CheckCode()
	h.r.TryCode(h.receiving, wrong)
	h.r.TryCode(h.receiving, wrong)
	if err := h.r.TryCode(h.receiving, " "+code[:3]+" - "+code[3:]+"\r\n"); err != nil {
		t.Fatalf("third try: %v", err)
	}
	if !h.r.prk.Equal(hpke.Secret{}) || !h.r.offer.Secret.Equal(hpke.Secret{}) {
		t.Error("the pairing secret outlives the check code")
	}
	if _, err := h.r.current.key.Bytes(); !errors.Is(err, hpke.ErrErased) {
		t.Error("the one-time key outlives the check code")
	}
	wantErr(t, h.r.TryCode(h.receiving, code), ErrUsed)
}
