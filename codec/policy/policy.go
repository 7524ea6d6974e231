// Package policy is a room's policy on sharing its history: the HistoryPolicy of
// draft-ietf-mimi-room-policy-03, "Chat history policy component", as JSON and in
// its TLS form, and what it allows.
package policy

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	// MaxRoles bounds the roles of a policy: more than any room has.
	MaxRoles = 64
	// MaxJSON bounds a policy in JSON, in bytes.
	MaxJSON = 16 << 10
	// MaxTLS bounds a policy in its TLS form, in bytes.
	MaxTLS = 1 + 4 + 4*MaxRoles + 1 + 4
)

// ErrMalformed: the bytes are no HistoryPolicy, or one that contradicts itself.
var ErrMalformed = errors.New("not a history policy")

// ErrForbidden: the policy does not allow that.
var ErrForbidden = errors.New("the room's policy forbids it")

// Optionality is that of draft-ietf-mimi-room-policy-03.
type Optionality uint8

const (
	Optional  Optionality = 0
	Required  Optionality = 1
	Forbidden Optionality = 2
)

func (o Optionality) String() string {
	switch o {
	case Optional:
		return "optional"
	case Required:
		return "required"
	case Forbidden:
		return "forbidden"
	}
	return fmt.Sprintf("unknown-%d", uint8(o))
}

// A History is a HistoryPolicy.
type History struct {
	Sharing       Optionality
	Roles         []uint32 // role indexes that may share; never 0 (no participant) or 1 (banned)
	Automatically bool     // without a person who asks for it
	MaxPeriod     uint32   // seconds of history, up to now, that may be shared
}

// jsonHistory has the names of the draft's structure. A key that is missing is an
// error: it could be the one that forbids.
type jsonHistory struct {
	Sharing       *string   `json:"history_sharing"`
	Roles         *[]uint32 `json:"roles_that_can_share"`
	Automatically *bool     `json:"automatically_share"`
	MaxPeriod     *uint32   `json:"max_time_period"`
}

// Parse reads a policy: an object in JSON with the names of the draft's structure,
// or the structure in its TLS form. The error is ErrMalformed.
func Parse(data []byte) (*History, error) {
	if len(data) > 0 && data[0] > byte(Forbidden) {
		return parseJSON(data)
	}
	return ParseTLS(data)
}

func parseJSON(data []byte) (*History, error) {
	if len(data) > MaxJSON {
		return nil, fmt.Errorf("read policy: %d bytes: %w", len(data), ErrMalformed)
	}
	var j jsonHistory
	if err := json.Unmarshal(data, &j, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("read policy: %w", errors.Join(ErrMalformed, err))
	}
	if j.Sharing == nil || j.Roles == nil || j.Automatically == nil || j.MaxPeriod == nil {
		return nil, fmt.Errorf("read policy: it needs history_sharing, roles_that_can_share, automatically_share and max_time_period: %w", ErrMalformed)
	}
	h := &History{Roles: *j.Roles, Automatically: *j.Automatically, MaxPeriod: *j.MaxPeriod}
	switch *j.Sharing {
	case "optional":
	case "required", "mandatory":
		h.Sharing = Required
	case "forbidden":
		h.Sharing = Forbidden
	default:
		return nil, fmt.Errorf("read policy: history_sharing is neither optional, required nor forbidden: %w", ErrMalformed)
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	return h, nil
}

// check refuses what the draft does: a policy that forbids says nothing else.
func (h *History) check() error {
	switch {
	case h.Sharing > Forbidden:
		return fmt.Errorf("read policy: history_sharing %d: %w", h.Sharing, ErrMalformed)
	case len(h.Roles) > MaxRoles:
		return fmt.Errorf("read policy: %d roles: %w", len(h.Roles), ErrMalformed)
	case slices.Contains(h.Roles, 0) || slices.Contains(h.Roles, 1):
		return fmt.Errorf("read policy: role 0 or 1 can share nothing: %w", ErrMalformed)
	case h.Sharing == Forbidden && (len(h.Roles) > 0 || h.Automatically || h.MaxPeriod > 0):
		return fmt.Errorf("read policy: it forbids, and allows: %w", ErrMalformed)
	}
	return nil
}

// Since is the earliest instant that a member who shares at created may go back to.
func (h *History) Since(created time.Time) time.Time {
	return created.Add(-time.Duration(h.MaxPeriod) * time.Second)
}

// Check tells whether a member with this role may share, at created, what happened
// from since on; the zero since is the beginning. The error is ErrForbidden with the
// reason.
func (h *History) Check(role uint32, since, created time.Time) error {
	switch earliest := h.Since(created); {
	case h.Sharing == Forbidden:
		return fmt.Errorf("history is not shared in this room: %w", ErrForbidden)
	case !slices.Contains(h.Roles, role):
		return fmt.Errorf("role %d may not share: %w", role, ErrForbidden)
	case since.Before(earliest):
		return fmt.Errorf("nothing before %s may be shared: %w", earliest.UTC().Format(time.RFC3339), ErrForbidden)
	}
	return nil
}
