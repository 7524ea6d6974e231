package pairing

import (
	"crypto/subtle"
	"fmt"
	"strings"
	"unicode"
)

// TryCode compares what the person typed with the check code of s, which is the session that this offer led
// to. Blanks and hyphens do not count. nil says that the code matched: the offer's secret and one-time key
// are erased, and rms has to be made durable before READY is sent. The errors are ErrCodeFormat (not six
// digits; costs no try), *WrongCodeError with the tries left, ErrTooManyTries (the offer and the session
// are dead), ErrOrder and ErrUsed.
func (r *Receiver) TryCode(s *Session, typed string) error {
	code, err := normalizeCode(typed)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.tries >= CheckCodeTries:
		return ErrTooManyTries
	case r.closed:
		return fmt.Errorf("compare check code: %w", ErrUsed)
	case r.mode != ModePair || s == nil || r.current.bound == nil || r.current.bound.session != s:
		return fmt.Errorf("compare check code: %w", ErrOrder)
	}
	want := s.CheckCode()
	// Counted first, so that nothing that goes wrong below gives a try away.
	r.tries++
	if subtle.ConstantTimeCompare([]byte(code), []byte(want)) == 1 {
		r.tries = 0
		r.erase()
		return nil
	}
	if left := CheckCodeTries - r.tries; left > 0 {
		return &WrongCodeError{Left: left}
	}
	s.Erase()
	r.erase()
	return ErrTooManyTries
}

// Confirm takes the place of TryCode for a receiver that was made with Trust and NoCode: the request that s came
// from was signed by one of those, or there would be no s. The errors are ErrOrder, ErrUsed and ErrUntrusted.
func (r *Receiver) Confirm(s *Session) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !r.noCode || len(r.trust) == 0:
		return fmt.Errorf("confirm without a check code: %w", ErrUntrusted)
	case r.closed:
		return fmt.Errorf("confirm without a check code: %w", ErrUsed)
	case r.mode != ModePair || s == nil || r.current.bound == nil || r.current.bound.session != s:
		return fmt.Errorf("confirm without a check code: %w", ErrOrder)
	}
	r.erase()
	return nil
}

// normalizeCode takes six digits out of what was typed.
func normalizeCode(typed string) (string, error) {
	if len(typed) > MaxLabel {
		return "", ErrCodeFormat
	}
	code := strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) || unicode.Is(unicode.Pd, c) {
			return -1
		}
		return c
	}, typed)
	if len(code) != codeSize || strings.Trim(code, "0123456789") != "" {
		return "", ErrCodeFormat
	}
	return code, nil
}
