package reference

// summary is what the tests look at in M2.
type summary struct {
	time, intent, version        uint64
	messages, attachments, bytes uint64
	rooms                        int
}

// parseSummary reads the plaintext of M2.
func parseSummary(b []byte) (summary, error) {
	var out summary
	it, err := small.parse(b)
	if err != nil || !it.is(majorMap) {
		return out, errMalformed
	}
	var seen [12]bool
	total, unknown := uint64(0), 0
	for i := 0; i < len(it.list); i += 2 {
		k, v := it.list[i], it.list[i+1]
		if !k.is(majorUint) {
			return out, errMalformed
		}
		if k.arg < 12 {
			seen[k.arg] = true
		}
		ok := true
		positive := v.is(majorUint) && v.arg > 0
		switch k.arg {
		case 1:
			_, ok = v.signed()
			out.time, ok = v.arg, ok && (positive || v.is(majorNint))
		case 2:
			out.messages, ok = v.arg, positive
		case 3:
			out.attachments, ok = v.arg, positive
		case 4:
			out.bytes, ok = v.arg, positive
		case 5:
			out.rooms, ok = len(v.list), v.is(majorArray) && 1 <= len(v.list) && len(v.list) <= 64
			for _, room := range v.list {
				ok = ok && checkRoom(room)
			}
		case 6:
			total, ok = v.arg, positive
		case 7:
			out.intent, ok = v.arg, v.is(majorUint) && (v.arg == 1 || v.arg == 2)
		case 8:
			ok = v.is(majorText) && sized(v, 64) && plainText(string(v.data))
		case 9, 10:
			ok = v.is(majorBytes) && sized(v, 4096)
		case 11:
			out.version, ok = v.arg, positive && v.arg <= 255
		default:
			unknown++
		}
		if !ok || unknown > 16 {
			return out, errMalformed
		}
	}
	if !seen[7] || !seen[11] || total < uint64(out.rooms) {
		return out, errMalformed
	}
	return out, nil
}

// checkRoom reads [id, name, messages, first, last].
func checkRoom(it item) bool {
	if !it.is(majorArray) || len(it.list) != 5 {
		return false
	}
	e := it.list
	integer := func(it item) bool { _, ok := it.signed(); return ok }
	return e[0].is(majorText) && len(e[0].data) <= 512 && plainText(string(e[0].data)) &&
		e[1].is(majorText) && len(e[1].data) <= 256 && plainText(string(e[1].data)) &&
		e[2].is(majorUint) && integer(e[3]) && integer(e[4])
}

// checkAccept reads the plaintext of M3.
func checkAccept(b []byte, highest uint64) error {
	it, err := small.parse(b)
	if err != nil || !it.is(majorMap) {
		return errMalformed
	}
	version, unknown := uint64(0), 0
	for i := 0; i < len(it.list); i += 2 {
		k, v := it.list[i], it.list[i+1]
		ok := k.is(majorUint)
		switch k.arg {
		case 1:
			version, ok = v.arg, ok && v.is(majorUint)
		case 2:
			ok = ok && v.is(majorOther) && v.arg == 21
		case 3:
			ok = ok && v.is(majorBytes) && sized(v, 3072)
		default:
			unknown++
		}
		if !ok || unknown > 16 {
			return errMalformed
		}
	}
	if version != 1 || version > highest {
		return errVersion
	}
	return nil
}
