package statedir

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/vcon-transfer/vcon-transfer/hpke"
)

// A Request is the secret key of a request for a sealed file (pairing.NewRequest),
// which waits for the file. It is sealed like a transfer; the text in it is the time,
// the suite and the key.
type Request struct {
	Key  *hpke.PrivateKey
	Made time.Time
}

const (
	requestSuffix = ".request"
	requestHead   = 8 + 1
)

// KeepRequest keeps the key of a request, before the request may go anywhere. Every
// error is an *Error.
func (d *Dir) KeepRequest(k *hpke.PrivateKey) error {
	return wrap("keep the key of a request", d.keepRequest(k))
}

func (d *Dir) keepRequest(k *hpke.PrivateKey) error {
	secret, err := k.Bytes()
	if err != nil {
		return err
	}
	defer clear(secret)
	plain := binary.BigEndian.AppendUint64(nil, uint64(time.Now().UnixMilli()))
	plain = append(append(plain, byte(k.Suite())), secret...)
	defer clear(plain)
	name, id := d.requestName(k.Public())
	sealed, err := d.seal(name, id, plain)
	if err != nil {
		return err
	}
	if err := d.write(name+newSuffix, sealed); err != nil {
		return err
	}
	if err := d.disk.Rename(name+newSuffix, name+requestSuffix); err != nil {
		return err
	}
	return d.disk.Sync()
}

// requestName is what the file of a request is called: nobody without the state key can
// tell whether it is of a request that he has seen.
func (d *Dir) requestName(k *hpke.PublicKey) (name string, id [32]byte) {
	id = hpke.Hash("request id", k.Bytes())
	return hex.EncodeToString(d.key.Expand("request name", id[:], nameSize)), id
}

// Requests lists the requests that wait. Those under another state key are left alone.
// Every error is an *Error.
func (d *Dir) Requests() (all []Request, err error) {
	names, err := d.names(requestSuffix)
	if err != nil {
		return nil, wrap("list requests", err)
	}
	for _, name := range names {
		r, err := d.readRequest(name)
		switch {
		case errors.Is(err, ErrForeignKey), errors.Is(err, ErrNewer), errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return nil, wrap("list requests", err)
		}
		all = append(all, r)
	}
	return all, nil
}

func (d *Dir) readRequest(name string) (r Request, err error) {
	f, err := d.disk.Open(name + requestSuffix)
	if err != nil {
		return r, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return r, err
	}
	plain, err := d.unseal(name, b)
	if err != nil {
		return r, err
	}
	defer clear(plain)
	if len(plain) <= requestHead {
		return r, ErrDamaged
	}
	r.Made = time.UnixMilli(int64(binary.BigEndian.Uint64(plain)))
	if r.Key, err = hpke.ParsePrivateKey(hpke.Suite(plain[requestHead-1]), plain[requestHead:]); err != nil {
		return r, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return r, nil
}

// ForgetRequest removes the key of a request: no file for it can be opened any more.
// Every error is an *Error.
func (d *Dir) ForgetRequest(k *hpke.PublicKey) error {
	name, _ := d.requestName(k)
	if err := d.disk.Remove(name + requestSuffix); err != nil {
		return wrap("forget request", err)
	}
	return wrap("forget request", d.disk.Sync())
}
