package transfertest

import (
	"context"
	"slices"
	"sync"

	"github.com/vcon-transfer/vcon-transfer/codec/segment"
	"github.com/vcon-transfer/vcon-transfer/pairing"
	"github.com/vcon-transfer/vcon-transfer/transfer"
)

// People are the persons at both devices: one scans the offer that the other's device shows, consents, and
// types the six digits there. They are the SendPrompter and the ReceivePrompter of one transfer, or of
// several in turn. The zero value is ready, and consents to what is asked.
type People struct {
	// Decide, when set, is the answer to the consent question.
	Decide func(transfer.ConsentRequest) (segment.Scope, error)
	// Typos are typed before the right digits, one at each question.
	Typos []string

	mu       sync.Mutex
	offer    chan *pairing.Offer
	code     chan string
	asked    []transfer.ConsentRequest
	warnings []transfer.Warning
}

var (
	_ transfer.SendPrompter    = (*People)(nil)
	_ transfer.ReceivePrompter = (*People)(nil)
)

// Scan waits for the offer that the new device shows.
func (p *People) Scan(ctx context.Context) (*pairing.Offer, error) {
	offers, _ := p.screens()
	return see(ctx, offers)
}

// Asked is what they were asked to consent to so far.
func (p *People) Asked() []transfer.ConsentRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// Warnings are those that the new device gave so far.
func (p *People) Warnings() []transfer.Warning {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.warnings)
}

// ShowOffer is that of transfer.ReceivePrompter.
func (p *People) ShowOffer(_ context.Context, offer *pairing.Offer) error {
	offers, _ := p.screens()
	show(offers, offer)
	return nil
}

// Consent is that of transfer.SendPrompter.
func (p *People) Consent(_ context.Context, req transfer.ConsentRequest) (segment.Scope, error) {
	p.mu.Lock()
	p.asked = append(p.asked, req)
	p.mu.Unlock()
	if p.Decide != nil {
		return p.Decide(req)
	}
	return req.Scope, nil
}

// ShowCheckCode is that of transfer.SendPrompter.
func (p *People) ShowCheckCode(_ context.Context, code string) error {
	_, codes := p.screens()
	show(codes, code)
	return nil
}

// AskCheckCode is that of transfer.ReceivePrompter.
func (p *People) AskCheckCode(ctx context.Context, _ segment.TransferInfo, _ int) (string, error) {
	p.mu.Lock()
	if len(p.Typos) > 0 {
		typo := p.Typos[0]
		p.Typos = p.Typos[1:]
		p.mu.Unlock()
		return typo, nil
	}
	p.mu.Unlock()
	_, codes := p.screens()
	return see(ctx, codes)
}

// Warn is that of transfer.ReceivePrompter.
func (p *People) Warn(_ context.Context, w transfer.Warning) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.warnings = append(p.warnings, w)
}

// screens are what the two devices show at the moment, each at most one thing.
func (p *People) screens() (offers chan *pairing.Offer, codes chan string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.offer == nil {
		p.offer, p.code = make(chan *pairing.Offer, 1), make(chan string, 1)
	}
	return p.offer, p.code
}

// show replaces what a screen shows. One device shows there at a time.
func show[T any](screen chan T, v T) {
	select {
	case <-screen:
	default:
	}
	screen <- v
}

// see reads a screen once.
func see[T any](ctx context.Context, screen chan T) (v T, err error) {
	select {
	case v = <-screen:
	case <-ctx.Done():
		err = ctx.Err()
	}
	return v, err
}
