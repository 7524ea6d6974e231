package codec

// The tables of known parameters. They drive both encodings, and docs/wire-format.md
// holds the same rows (a test compares them).

var vconTable = newTable(func(v *VCon) *Fields { return &v.Extra },
	field[VCon]{name: "vcon", at: func(v *VCon) any { return &v.Version }},
	field[VCon]{name: "uuid", at: func(v *VCon) any { return &v.UUID }},
	field[VCon]{name: "extensions", at: func(v *VCon) any { return &v.Extensions }},
	field[VCon]{name: "critical", at: func(v *VCon) any { return &v.Critical }},
	field[VCon]{name: "created_at", at: func(v *VCon) any { return &v.CreatedAt }},
	field[VCon]{name: "updated_at", at: func(v *VCon) any { return &v.UpdatedAt }},
	field[VCon]{name: "subject", at: func(v *VCon) any { return &v.Subject }},
	field[VCon]{name: "room", at: func(v *VCon) any { return &v.Room }},
	field[VCon]{name: "parties", at: func(v *VCon) any { return &v.Parties }},
	field[VCon]{name: "dialog", at: func(v *VCon) any { return &v.Dialog }},
	field[VCon]{name: "attachments", at: func(v *VCon) any { return &v.Attachments }},
)

var roomTable = newTable(func(r *Room) *Fields { return &r.Extra },
	field[Room]{name: "id", at: func(r *Room) any { return &r.ID }},
	field[Room]{name: "name", at: func(r *Room) any { return &r.Name }},
	field[Room]{name: "avatar", at: func(r *Room) any { return &r.Avatar }},
	field[Room]{name: "subject", at: func(r *Room) any { return &r.Subject }},
	field[Room]{name: "mood", at: func(r *Room) any { return &r.Mood }},
	field[Room]{name: "description", at: func(r *Room) any { return &r.Description }},
)

var descriptionTable = newTable(func(d *RoomDescription) *Fields { return &d.Extra },
	field[RoomDescription]{name: "type", at: func(d *RoomDescription) any { return &d.Type }},
	field[RoomDescription]{name: "lang", at: func(d *RoomDescription) any { return &d.Lang }},
	field[RoomDescription]{name: "content", at: func(d *RoomDescription) any { return &d.Content }},
)

var partyTable = newTable(func(p *Party) *Fields { return &p.Extra },
	field[Party]{name: "im_uri", at: func(p *Party) any { return &p.IMURI }},
	field[Party]{name: "name", at: func(p *Party) any { return &p.Name }},
	field[Party]{name: "role", at: func(p *Party) any { return &p.Role }},
	field[Party]{name: "thumbprint", at: func(p *Party) any { return &p.Thumbprint }},
	field[Party]{name: "tel", at: func(p *Party) any { return &p.Tel }},
	field[Party]{name: "mailto", at: func(p *Party) any { return &p.Mailto }},
	field[Party]{name: "uuid", at: func(p *Party) any { return &p.UUID }},
)

var dialogTable = newTable(func(d *Dialog) *Fields { return &d.Extra },
	field[Dialog]{name: "type", at: func(d *Dialog) any { return &d.Type }},
	field[Dialog]{name: "start", at: func(d *Dialog) any { return &d.Start }},
	field[Dialog]{name: "duration", at: func(d *Dialog) any { return &d.Duration }},
	field[Dialog]{name: "parties", at: func(d *Dialog) any { return &d.Parties }},
	field[Dialog]{name: "originator", at: func(d *Dialog) any { return &d.Originator }},
	field[Dialog]{name: "message_id", at: func(d *Dialog) any { return &d.MessageID }},
	field[Dialog]{name: "salt", at: func(d *Dialog) any { return &d.Salt }},
	field[Dialog]{name: "replaces", at: func(d *Dialog) any { return &d.Replaces }},
	field[Dialog]{name: "in_reply_to", at: func(d *Dialog) any { return &d.InReplyTo }},
	field[Dialog]{name: "topic_id", at: func(d *Dialog) any { return &d.TopicID }},
	field[Dialog]{name: "expires", at: func(d *Dialog) any { return &d.Expires }},
	field[Dialog]{name: "mimi_extensions", at: func(d *Dialog) any { return &d.Extensions }},
	field[Dialog]{name: "franking_tag", at: func(d *Dialog) any { return &d.FrankingTag }},
	field[Dialog]{name: "frank", at: func(d *Dialog) any { return &d.Frank }},
	field[Dialog]{name: "status", at: func(d *Dialog) any { return &d.Status }},
	field[Dialog]{name: "disposition", at: func(d *Dialog) any { return &d.Disposition }},
	field[Dialog]{name: "language", at: func(d *Dialog) any { return &d.Language }},
	field[Dialog]{name: "mediatype", at: func(d *Dialog) any { return &d.MediaType }},
	field[Dialog]{name: "filename", at: func(d *Dialog) any { return &d.Filename }},
	field[Dialog]{name: "encoding", at: func(d *Dialog) any { return &d.Encoding }},
	field[Dialog]{name: "body", at: func(d *Dialog) any { return d }},
	field[Dialog]{name: "url", at: func(d *Dialog) any { return &d.URL }},
	field[Dialog]{name: "content_hash", at: func(d *Dialog) any { return &d.ContentHash }},
	field[Dialog]{name: "external_part", at: func(d *Dialog) any { return &d.ExternalPart }},
	field[Dialog]{name: "multi_part", at: func(d *Dialog) any { return &d.MultiPart }},
	field[Dialog]{name: "party_history", at: func(d *Dialog) any { return &d.PartyHistory }},
)

var expiresTable = newTable(func(e *Expires) *Fields { return &e.Extra },
	field[Expires]{name: "relative", at: func(e *Expires) any { return (*required)(&e.Relative) }},
	field[Expires]{name: "relative_time", at: func(e *Expires) any { return (*relativeTime)(e) }},
	field[Expires]{name: "absolute_time", at: func(e *Expires) any { return &e.AbsoluteTime }},
)

var externalTable = newTable(func(p *ExternalPart) *Fields { return &p.Extra },
	field[ExternalPart]{name: "mediatype", at: func(p *ExternalPart) any { return &p.MediaType }},
	field[ExternalPart]{name: "url", at: func(p *ExternalPart) any { return &p.URL }},
	field[ExternalPart]{name: "expires", at: func(p *ExternalPart) any { return &p.Expires }},
	field[ExternalPart]{name: "size", at: func(p *ExternalPart) any { return &p.Size }},
	field[ExternalPart]{name: "description", at: func(p *ExternalPart) any { return &p.Description }},
	field[ExternalPart]{name: "filename", at: func(p *ExternalPart) any { return &p.Filename }},
	field[ExternalPart]{name: "content_hash", at: func(p *ExternalPart) any { return &p.ContentHash }},
	field[ExternalPart]{name: "cached", at: func(p *ExternalPart) any { return &p.Cached }},
	field[ExternalPart]{name: "cache_ref", at: func(p *ExternalPart) any { return &p.CacheRef }},
	field[ExternalPart]{name: "enc_alg", at: func(p *ExternalPart) any { return &p.EncAlg }},
	field[ExternalPart]{name: "key", at: func(p *ExternalPart) any { return &p.Key }},
	field[ExternalPart]{name: "nonce", at: func(p *ExternalPart) any { return &p.Nonce }},
	field[ExternalPart]{name: "aad", at: func(p *ExternalPart) any { return &p.AAD }},
)

var multiPartTable = newTable(func(m *MultiPart) *Fields { return &m.Extra },
	field[MultiPart]{name: "part_semantics", at: func(m *MultiPart) any { return &m.PartSemantics }},
	field[MultiPart]{name: "parts", at: func(m *MultiPart) any { return &m.Parts }},
)

var partTable = newTable(func(p *Part) *Fields { return &p.Extra },
	field[Part]{name: "disposition", at: func(p *Part) any { return &p.Disposition }},
	field[Part]{name: "language", at: func(p *Part) any { return &p.Language }},
	field[Part]{name: "part_index", at: func(p *Part) any { return &p.PartIndex }},
	field[Part]{name: "cardinality", at: func(p *Part) any { return &p.Cardinality }},
	field[Part]{name: "mediatype", at: func(p *Part) any { return &p.MediaType }},
	field[Part]{name: "encoding", at: func(p *Part) any { return &p.Encoding }},
	field[Part]{name: "body", at: func(p *Part) any { return p }},
	field[Part]{name: "external_part", at: func(p *Part) any { return &p.ExternalPart }},
	field[Part]{name: "multi_part", at: func(p *Part) any { return &p.MultiPart }},
)

var eventTable = newTable(func(e *PartyEvent) *Fields { return &e.Extra },
	field[PartyEvent]{name: "party", at: func(e *PartyEvent) any { return &e.Party }},
	field[PartyEvent]{name: "originator", at: func(e *PartyEvent) any { return &e.Originator }},
	field[PartyEvent]{name: "time", at: func(e *PartyEvent) any { return &e.Time }},
	field[PartyEvent]{name: "event", at: func(e *PartyEvent) any { return &e.Event }},
	field[PartyEvent]{name: "name", at: func(e *PartyEvent) any { return &e.Name }},
	field[PartyEvent]{name: "role", at: func(e *PartyEvent) any { return &e.Role }},
	field[PartyEvent]{name: "room", at: func(e *PartyEvent) any { return &e.Room }},
)

var attachmentTable = newTable(func(a *Attachment) *Fields { return &a.Extra },
	field[Attachment]{name: "type", at: func(a *Attachment) any { return &a.Type }},
	field[Attachment]{name: "start", at: func(a *Attachment) any { return &a.Start }},
	field[Attachment]{name: "party", at: func(a *Attachment) any { return &a.Party }},
	field[Attachment]{name: "content_hash", at: func(a *Attachment) any { return &a.ContentHash }},
	field[Attachment]{name: "dialog_object_ref", at: func(a *Attachment) any { return &a.DialogObjectRef }},
	field[Attachment]{name: "mediatype", at: func(a *Attachment) any { return &a.MediaType }},
	field[Attachment]{name: "filename", at: func(a *Attachment) any { return &a.Filename }},
	field[Attachment]{name: "encoding", at: func(a *Attachment) any { return &a.Encoding }},
	field[Attachment]{name: "body", at: func(a *Attachment) any { return a }},
	field[Attachment]{name: "url", at: func(a *Attachment) any { return &a.URL }},
)

// specified is every name that may appear in an error's pointer: those of the
// tables, and those of vcon-core, of any version, that are kept in Extra.
var specified = specifiedNames(
	vconTable.names(), roomTable.names(), descriptionTable.names(), partyTable.names(),
	dialogTable.names(), expiresTable.names(), externalTable.names(), multiPartTable.names(),
	partTable.names(), eventTable.names(), attachmentTable.names(),
	[]string{
		"analysis", "amended", "appended", "group", "redacted", "must_support",
		"sip", "stir", "did", "validation", "gmlpos", "civicaddress", "timezone", "org", "dept",
		"recordings", "recording_set", "session_id", "application", "transferee", "transferor",
		"transfer_target", "transfer-target", "original", "consultation", "target_dialog", "target-dialog",
		"campaign", "interaction", "interaction_id", "interaction_type", "skill", "button",
		"mimetype", "alg", "signature", "purpose", "vendor", "product", "schema", "meta", "tags",
		"payload", "signatures", "protected", "header", "unprotected", "recipients", "ciphertext", "iv", "tag",
		"form", "encrypted_key",
	},
	oldNames(),
)

func specifiedNames(lists ...[]string) map[string]bool {
	m := make(map[string]bool)
	for _, l := range lists {
		for _, n := range l {
			m[n] = true
		}
	}
	return m
}
