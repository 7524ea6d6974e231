package history

import (
	"bytes"
	"compress/flate"
	"io"
)

// A packer makes the chunks of a spool smaller before they are sealed: a converted
// history is text that repeats itself. How long a sealed chunk is tells how well it
// could be packed; it never leaves this device, and nobody but the person puts
// anything into it, so that nothing can be learned from that by trying.
type packer struct {
	out bytes.Buffer
	w   *flate.Writer // made when the first chunk is packed: 1 MiB
	r   io.ReadCloser
}

// pack returns a chunk as it is sealed, until the next call. What does not become
// shorter stays as it is; its length, that of a chunk, tells.
func (p *packer) pack(chunk []byte) ([]byte, error) {
	p.out.Reset()
	if p.w == nil {
		var err error
		if p.w, err = flate.NewWriter(&p.out, spoolLevel); err != nil {
			return nil, err
		}
	} else {
		p.w.Reset(&p.out)
	}
	if _, err := p.w.Write(chunk); err != nil {
		return nil, err
	}
	if err := p.w.Close(); err != nil {
		return nil, err
	}
	if p.out.Len() >= len(chunk) {
		return chunk, nil
	}
	return p.out.Bytes(), nil
}

// unpack appends the chunk to buf, which is empty.
func (p *packer) unpack(buf, packed []byte) ([]byte, error) {
	if len(packed) == spoolChunk {
		return append(buf, packed...), nil
	}
	in := bytes.NewReader(packed)
	if p.r == nil {
		p.r = flate.NewReader(in)
	} else if err := p.r.(flate.Resetter).Reset(in, nil); err != nil {
		return nil, err
	}
	buf = append(buf, make([]byte, spoolChunk)...)
	if _, err := io.ReadFull(p.r, buf); err != nil {
		return nil, err
	}
	return buf, nil
}

// spoolLevel makes a third of a converted history, at more than 100 MB/s; the other
// levels gain a twentieth more, and are up to four times slower.
const spoolLevel = flate.BestSpeed
