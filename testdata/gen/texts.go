package gen

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/vcon-transfer/vcon-transfer/codec/convert"
	"github.com/vcon-transfer/vcon-transfer/codec/mimi"
	"github.com/vcon-transfer/vcon-transfer/testdata"
)

// texts are the texts of the excerpts, read once.
var texts = sync.OnceValue(func() []string {
	var all []string
	for _, kind := range []convert.Kind{convert.IRC, convert.Gitter} {
		vcons, _, err := convert.All(context.Background(), kind, testdata.FS, string(kind), convert.Options{Room: "texts"})
		if err != nil {
			panic(fmt.Sprintf("gen: %v", err))
		}
		for _, v := range vcons {
			for i := range v.Dialog {
				if text := mimi.PlainText(&v.Dialog[i]); strings.TrimSpace(text) != "" {
					all = append(all, text)
				}
			}
		}
	}
	return all
})
