package bind

import "runtime/debug"

// Events is the "v" of every event: it changes when what an app has read so far could
// mean something else.
const Events = 1

// Version is that of the library that an app is built with: a version, or "devel".
func Version() string {
	const module = "github.com/vcon-transfer/vcon-transfer"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return devel
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module && m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return devel
}

const devel = "devel"
