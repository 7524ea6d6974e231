package codec

import "math"

// decodeObject reads one object that fills data, after at most one tag 55799.
func decodeObject[T any](r *reader, t *table[T], v *T) error {
	if err := r.wellformed(); err != nil {
		return err
	}
	if len(r.b) >= 3 && r.b[0] == 0xd9 && r.b[1] == 0xd9 && r.b[2] == 0xf7 {
		r.off = 3
	}
	c, err := r.peek()
	if err != nil {
		return err
	}
	if c>>5 != majorMap {
		return r.fail("not an object")
	}
	if _, err := readObject(r, t, v); err != nil {
		return err
	}
	if r.off != len(r.b) {
		return r.fail("trailing bytes")
	}
	return nil
}

// readObject reads a map into v. It returns one bit for each row of t whose name
// was there.
func readObject[T any](r *reader, t *table[T], v *T) (seen uint64, err error) {
	if r.objects++; r.objects > budgetFloor+len(r.b)/minObjectBytes {
		return 0, r.fail("too many objects for the size of the input")
	}
	h, err := r.head()
	if err != nil {
		return 0, err
	}
	if err := r.enter(); err != nil {
		return 0, err
	}
	for i := 0; ; i++ {
		more, err := r.next(h, i)
		if err != nil {
			return seen, err
		}
		if !more {
			break
		}
		keyAt := r.off
		key, isText, err := r.key()
		if err != nil {
			return seen, err
		}
		if row, ok := t.index[string(key)]; ok && isText {
			f := &t.rows[row]
			if seen&(1<<row) != 0 {
				return seen, inName(r.failAt(keyAt, "duplicate name"), f.name)
			}
			seen |= 1 << row
			if err := readField(r, f, v, t.extra(v)); err != nil {
				return seen, inName(err, f.name)
			}
			continue
		}
		name := string(key)
		if !isText {
			name = notText + name
		}
		if err := r.readExtra(name, keyAt, t.extra(v)); err != nil {
			return seen, inName(err, name)
		}
	}
	r.leave()
	return seen, nil
}

// key reads a key: a text's content, or any other item, encoded.
func (r *reader) key() (key []byte, isText bool, err error) {
	at := r.off
	c, err := r.peek()
	if err != nil {
		return nil, false, err
	}
	if isText = c>>5 == majorText; isText {
		h, err := r.head()
		if err != nil {
			return nil, true, err
		}
		key, err = r.stringBody(h)
		if err != nil {
			return nil, true, err
		}
	} else if key, err = r.canon(nil); err != nil {
		return nil, false, err
	}
	if len(key) > MaxName {
		return nil, isText, r.failAt(at, "name too long")
	}
	return key, isText, nil
}

// readField reads the value of a known name, into Extra when it is not of the
// field's form.
func readField[T any](r *reader, f *field[T], v *T, extra *Fields) error {
	at, p := r.off, f.at(v)
	ok, err := r.value(p)
	if ok || err != nil {
		return err
	}
	r.off = at
	raw, err := r.canon(nil)
	if err != nil {
		return err
	}
	if _, ok := p.(*Binary); ok && len(raw) == 1 && raw[0] == majorText<<5 {
		raw = Raw{0xd5, 0x40} // the empty text is canonical base64url
	}
	set(extra, f.name, raw)
	return nil
}

func (r *reader) readExtra(name string, keyAt int, extra *Fields) error {
	if _, ok := (*extra)[name]; ok {
		return r.failAt(keyAt, "duplicate name")
	}
	if r.extras++; r.extras > budgetFloor+len(r.b)/minExtraBytes {
		return r.fail("too many parameters for the size of the input")
	}
	raw, err := r.canon(nil)
	if err != nil {
		return err
	}
	set(extra, name, raw)
	return nil
}

func set(x *Fields, name string, raw Raw) {
	if *x == nil {
		*x = make(Fields)
	}
	(*x)[name] = raw
}

// value reads a value into p, a pointer as field.at gives it. When the value is
// not of p's form it returns false, p is zero, and the place is undefined.
func (r *reader) value(p any) (ok bool, err error) {
	switch p := p.(type) {
	case *string:
		s, ok, err := r.text()
		if !ok || err != nil || len(s) == 0 {
			return false, err
		}
		*p = intern(s)
	case *Date:
		s, ok, err := r.tagged(tagDate, majorText)
		if !ok || err != nil || len(s) == 0 {
			return false, err
		}
		*p = Date(s)
	case *Binary:
		return r.binary(p)
	case *Dialog:
		return r.body(&p.Body)
	case *Attachment:
		return r.body(&p.Body)
	case *Part:
		return r.body(&p.Body)
	case *bool:
		b, ok, err := r.boolean()
		*p = b
		return ok && b, err
	case *required:
		b, ok, err := r.boolean()
		*p = required(b)
		return ok, err
	case **uint64:
		n, ok, err := r.uint(math.MaxUint64)
		if ok {
			*p = &n
		}
		return ok, err
	case *relativeTime:
		n, ok, err := r.uint(math.MaxUint64)
		p.RelativeTime = n
		return ok, err
	case **uint32:
		n, ok, err := r.uint(math.MaxUint32)
		if ok {
			m := uint32(n)
			*p = &m
		}
		return ok, err
	case *[]uint32:
		return r.indexes(p)
	case *[]string:
		return r.strings(p)
	case **Room:
		return readPointer(r, roomTable, p)
	case *[]RoomDescription:
		return readSlice(r, descriptionTable, p, MaxDescriptions)
	case *[]Party:
		return readSlice(r, partyTable, p, MaxParties)
	case *[]Dialog:
		return readSlice(r, dialogTable, p, MaxDialogs)
	case *[]Attachment:
		return readSlice(r, attachmentTable, p, MaxAttachments)
	case **Expires:
		return r.expires(p)
	case **ExternalPart:
		return readPointer(r, externalTable, p)
	case **MultiPart:
		return readPointer(r, multiPartTable, p)
	case *[]Part:
		return readSlice(r, partTable, p, MaxParts)
	case *[]PartyEvent:
		return readSlice(r, eventTable, p, MaxPartyHistory)
	default:
		panic("codec: field of unknown type")
	}
	return true, nil
}

// readElement reads one object and settles what depends on several of its
// parameters.
func readElement[T any](r *reader, t *table[T], v *T) (seen uint64, ok bool, err error) {
	c, err := r.peek()
	if err != nil || c>>5 != majorMap {
		return 0, false, err
	}
	if seen, err = readObject(r, t, v); err != nil {
		return seen, false, err
	}
	settle(v)
	return seen, true, nil
}

func settle(v any) {
	switch v := v.(type) {
	case *Dialog:
		v.Body.settle(v.Encoding, &v.Extra)
	case *Attachment:
		v.Body.settle(v.Encoding, &v.Extra)
	case *Part:
		v.Body.settle(v.Encoding, &v.Extra)
	}
}

func readPointer[T any](r *reader, t *table[T], p **T) (bool, error) {
	v := new(T)
	_, ok, err := readElement(r, t, v)
	if ok {
		*p = v
	}
	return ok, err
}

func readSlice[T any](r *reader, t *table[T], p *[]T, limit int) (bool, error) {
	ok, err := r.array(limit, func(n uint64) (bool, error) {
		if *p == nil {
			// A declared number counts only as far as the input can hold
			// objects of some size: what is shorter grows as it comes.
			*p = make([]T, 0, min(n, uint64(len(r.b)-r.off)/64+1, uint64(limit)))
		}
		*p = append(*p, *new(T))
		_, ok, err := readElement(r, t, &(*p)[len(*p)-1])
		return ok, err
	})
	if !ok {
		*p = nil
	}
	return ok, err
}

// expires accepts what Expires can write again: relative is there, and a
// relative time with it when it is true.
func (r *reader) expires(p **Expires) (bool, error) {
	v := new(Expires)
	seen, ok, err := readElement(r, expiresTable, v)
	if !ok || err != nil {
		return false, err
	}
	const hasRelative, hasTime = 1 << 0, 1 << 1
	_, bad := v.Extra["relative"]
	if _, badTime := v.Extra["relative_time"]; bad || badTime || seen&hasRelative == 0 ||
		v.Relative != (seen&hasTime != 0) {
		return false, nil
	}
	*p = v
	return true, nil
}
