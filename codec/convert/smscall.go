package convert

import (
	"strconv"

	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
)

// call carries a call as a message of who called, so that it stands where people
// remember it.
func (s *smsFile) call(v map[string]string) error {
	millis, ok := smsDate(v["date"])
	if !ok {
		s.report.leave(RecordUndated)
		return nil
	}
	number := v["number"]
	if len(number) == 2 && number[0] == '-' {
		number = "" // as older phones say that it is not known
	}
	m, err := s.room(number, v["contact_name"])
	if err != nil {
		return err
	}
	sender, text := s.person(number), ""
	if smsKey(number) == "" {
		sender = hidden(v["presentation"])
	}
	switch v["type"] {
	case "1":
		text = "Incoming call"
	case "2":
		sender, text = s.owner(), "Outgoing call"
	case "3":
		text = "Missed call"
	case "4":
		text = "Voicemail"
	case "5":
		text = "Rejected call"
	case "6":
		text = "Blocked call"
	case "7":
		text = "Call answered on another device"
	default:
		text = "Call"
	}
	if n, err := strconv.ParseInt(v["duration"], 10, 32); err == nil && n > 0 {
		text += ", " + duration(n)
	}
	if digits := v["post_dial_digits"]; digits != "" {
		text += ", then dialled " + digits
	}
	_, err = m.add(&message{
		sender: sender, millis: millis, text: text, origin: mimi.Origin{Kind: "call"},
		salt: salt("call", m.uri, v["date"], v["type"], v["number"], v["duration"]),
	})
	return err
}

// hidden is a caller who is not shown.
func hidden(presentation string) person {
	switch presentation {
	case "2":
		return person{key: "private", name: "Private number"}
	case "4":
		return person{key: "payphone", name: "Payphone"}
	}
	return person{key: "unknown", name: unknownNumber}
}

const unknownNumber = "Unknown number"
