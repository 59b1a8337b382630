package admin

import (
	"bytes"
	"context"
	"encoding/csv"
	"strconv"
	"strings"
	"time"
	"unicode"

	"klapka.dev/klapka/pbx"
)

// Sizes of an export, in records.
const (
	exportPart = 500
	exportMost = 20000
)

type csvOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// exportRecords writes all records that fit the filter, at most exportMost: who
// needs more asks for a shorter time.
func (a API) exportRecords(ctx context.Context, in *RecordFilter) (*csvOutput, error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	f.Limit = exportPart
	var b bytes.Buffer
	b.WriteString("\uFEFF") // spreadsheets take the text for UTF-8 then
	w := csv.NewWriter(&b)
	rows := [][]string{{
		"call", "started", "from", "from_name", "dialled", "answered_by", "answered_by_name", "rang", "answered",
		"ended", "seconds", "cause", "by",
	}}
	for n := 0; n < exportMost; {
		records, err := a.Records.CallRecords(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			rows = append(rows, row(r))
			f.Before = r.ID
		}
		if n += len(records); len(records) < exportPart {
			break
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, err
	}
	return &csvOutput{"text/csv; charset=utf-8", `attachment; filename="calls.csv"`, b.Bytes()}, nil
}

func row(r pbx.CallRecord) []string {
	talked := ""
	if !r.AnsweredAt.IsZero() && !r.EndedAt.IsZero() {
		talked = strconv.Itoa(int(r.EndedAt.Sub(r.AnsweredAt).Round(time.Second).Seconds()))
	}
	return []string{
		cell(string(r.ID)), stamp(r.StartedAt), cell(r.From.Number), cell(r.From.Name), cell(r.Dialled),
		cell(r.AnsweredBy.Number), cell(r.AnsweredBy.Name), stamp(r.RangAt), stamp(r.AnsweredAt), stamp(r.EndedAt),
		talked, cell(string(r.Cause.Code)), cell(string(r.Cause.By)),
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// cell keeps a spreadsheet from taking a caller's name for a formula, or for the
// end of the row: what begins one gets an apostrophe in front.
func cell(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if begin := strings.TrimSpace(s); begin != "" && strings.ContainsRune("=+-@|%＝＋－＠", []rune(begin)[0]) {
		return "'" + s
	}
	return s
}
