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
		text += ", " + clockOf(n)
	}
	if digits := v["post_dial_digits"]; digits != "" {
		text += ", then dialled " + digits
	}
	_, err = m.add(&message{
		sender: sender, millis: millis, text: text, origin: originOf("call"),
		salt: salt("call", m.uri, v["date"], v["type"], v["number"], v["duration"]),
	})
	return err
}

func originOf(kind string) mimi.Origin { return mimi.Origin{Kind: kind} }

// clockOf is a duration in seconds as telephones show it.
func clockOf(n int64) string {
	two := func(n int64) string { return string([]byte{'0' + byte(n/10), '0' + byte(n%10)}) }
	s := strconv.FormatInt(n/60%60, 10) + ":" + two(n%60)
	if n >= 3600 {
		s = strconv.FormatInt(n/3600, 10) + ":" + two(n/60%60) + ":" + two(n%60)
	}
	return s
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
