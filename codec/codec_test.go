package codec

import (
	"os"
	"testing"
)

func TestSmoke(t *testing.T) {
	v, err := DecodeJSON([]byte(`{"vcon":"0.4.0","dialog":[{"type":"text","start":"2022-02-08T22:13:45.019-00:00","duration":0,"parties":[0,1],"message_id":"AbAIRGcnPMQ9bw6-rBPrhCKcT__o9sNZTJBfR3eeWnk","x":1.50,"body":"hi","encoding":"none"}],"zz":null}`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := v.AppendCBOR(nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := DecodeCBOR(b)
	if err != nil {
		t.Fatal(err)
	}
	j, err := w.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	j, err = IndentJSON(j)
	t.Logf("%x\n%s %v", b, j, err)
	_ = os.Args
}
