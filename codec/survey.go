package codec

// A parameter is one top-level parameter of a source: its name, the place of its
// value in bytes, and what the value is if that is an array.
type parameter struct {
	name     string
	offset   int64
	length   int64
	elements int64 // of an array, else 0
	objects  bool  // all of them are objects
}

// survey reads the source once and notes its parameters. It looks at brackets
// and lengths only: what is in a value is checked when the value is copied.
func (k *copier) survey() ([]parameter, error) {
	if err := k.walk.begin(); err != nil {
		return nil, err
	}
	var all []parameter
	names := make(map[string]bool)
	for {
		name, more, err := k.walk.name()
		if err != nil {
			return nil, err
		}
		if !more {
			return all, k.walk.end()
		}
		if names[name] {
			return nil, inName(k.src.failName("duplicate name"), name)
		}
		if len(all) == MaxFields {
			return nil, k.src.failName("too many parameters")
		}
		names[name] = true
		p, err := k.pass(name)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}

// pass goes over one value.
func (k *copier) pass(name string) (parameter, error) {
	p := parameter{name: name, offset: k.src.off, objects: true}
	isArray, err := k.walk.open()
	if err != nil {
		return p, inName(err, name)
	}
	if !isArray {
		err := k.walk.value(&collector{overflow: true})
		p.length = k.src.off - p.offset
		return p, inName(err, name)
	}
	for {
		more, err := k.walk.element()
		if err == nil && !more {
			p.length = k.src.off - p.offset
			return p, nil
		}
		var isObject bool
		if err == nil {
			isObject, err = k.walk.isObject()
		}
		if err == nil {
			err = k.walk.value(&collector{overflow: true})
		}
		if err != nil {
			return p, inName(inIndex(err, int(p.elements)), name)
		}
		p.objects = p.objects && isObject
		p.elements++
	}
}
