package mimi_test

import (
	"encoding/base64"

	"github.com/vcon-transfer/vcon-transfer/codec"
)

func binary(b []byte) codec.Binary {
	return codec.Binary(base64.RawURLEncoding.EncodeToString(b))
}
