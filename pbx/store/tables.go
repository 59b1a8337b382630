package store

// The tables of history, with the values of a row in the order of the columns:
// those of the key first.

func bindingTable() table[bindingRow] {
	return table[bindingRow]{
		name: bindingRow{}.TableName(), keys: []string{"device", "key_hash"},
		others: []string{
			"username", "extension", "contact", "instance_id", "reg_id", "path", "user_agent", "call_id", "cseq",
			"q", "edge", "remote", "conn_id", "registered_at", "expires_at",
		},
		appends: func(v []any, r *bindingRow) []any {
			return append(v, r.Device, r.KeyHash,
				r.Username, r.Extension, r.Contact, r.InstanceID, r.RegID, r.Path, r.UserAgent, r.CallID, r.CSeq,
				r.Q, r.Edge, r.Remote, r.ConnID, r.Registered, r.Expires)
		},
	}
}

func callTable() table[callRow] {
	return table[callRow]{
		name: callRow{}.TableName(), keys: []string{"id"},
		others: []string{
			"from_number", "from_name", "from_extension", "from_user", "from_device", "from_language",
			"dialled", "to_target",
			"answerer_number", "answerer_name", "answerer_extension", "answerer_user", "answerer_device", "answerer_language",
			"started_at", "rang_at", "answered_at", "ended_at", "cause_code", "cause_by", "cause_text", "search",
		},
		appends: func(v []any, r *callRow) []any {
			v = append(r.From.values(append(v, r.ID)), r.Dialled, r.To)
			v = append(r.AnsweredBy.values(v), r.Started, r.Rang, r.Answered, r.Ended)
			return append(r.Cause.values(v), r.Search)
		},
	}
}

func partyTable() table[callPartyRow] {
	return table[callPartyRow]{
		name: callPartyRow{}.TableName(), keys: []string{"extension", "started_at", "call_id"},
		appends: func(v []any, r *callPartyRow) []any { return append(v, r.Extension, r.Started, r.Call) },
	}
}

func legTable() table[legRow] {
	return table[legRow]{
		name: legRow{}.TableName(), keys: []string{"call_id", "position"},
		others: []string{
			"id", "parent", "incoming",
			"party_number", "party_name", "party_extension", "party_user", "party_device", "party_language",
			"edge", "remote", "sip_call", "user_agent", "started_at", "rang_at", "answered_at", "ended_at",
			"cause_code", "cause_by", "cause_text",
			"quality_codec", "quality_packets_sent", "quality_packets_received", "quality_packets_lost",
			"quality_jitter_ms", "quality_remote_lost", "quality_remote_jitter_ms", "quality_round_trip_ms",
			"quality_ignored", "quality_impairment",
		},
		appends: func(v []any, r *legRow) []any {
			v = r.Party.values(append(v, r.Call, r.Position, r.ID, r.Parent, r.Incoming))
			v = append(v, r.Edge, r.Remote, r.SIPCall, r.UserAgent, r.Started, r.Rang, r.Answered, r.Ended)
			return r.Quality.values(r.Cause.values(v))
		},
	}
}

func (c *partyColumns) values(v []any) []any {
	return append(v, c.Number, c.Name, c.Extension, c.User, c.Device, c.Language)
}

func (c *causeColumns) values(v []any) []any { return append(v, c.Code, c.By, c.Text) }

func (c *qualityColumns) values(v []any) []any {
	return append(v, c.Codec, c.PacketsSent, c.PacketsReceived, c.PacketsLost, c.JitterMS, c.RemoteLost,
		c.RemoteJitterMS, c.RoundTripMS, c.Ignored, c.Impairment)
}
