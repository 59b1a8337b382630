package pbx

import (
	"errors"
	"fmt"
)

// ErrorCode classifies an Error for machines; each edge maps it to its own
// protocol in one table (HTTP status, exit code).
type ErrorCode string

// The closed set of error codes.
const (
	Invalid      ErrorCode = "invalid"      // the input is wrong; Field names it
	Unauthorized ErrorCode = "unauthorized" // nobody, or the wrong credentials
	Forbidden    ErrorCode = "forbidden"    // somebody, but not allowed
	NotFound     ErrorCode = "not_found"    // no such thing
	Conflict     ErrorCode = "conflict"     // contradicts the present state, or is in use
	TooMany      ErrorCode = "too_many"     // a limit was reached; try later
	Unavailable  ErrorCode = "unavailable"  // a part of the exchange is away; try later
	Internal     ErrorCode = "internal"     // a fault; its text is never shown to a user
)

// Error is the one error type that crosses rooms. Message is a sentence a
// person may read; Field names the faulty input, when there is one.
type Error struct {
	Code    ErrorCode
	Field   string
	Message string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Field != "" {
		return fmt.Sprintf("%s: %s: %s", e.Code, e.Field, e.Message)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Errorf builds an Error without a field.
func Errorf(code ErrorCode, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// FieldErrorf builds an Invalid error for one input field.
func FieldErrorf(field, format string, args ...any) *Error {
	return &Error{Code: Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of the first Error in err's chain; any other error is
// Internal, nil is "".
func CodeOf(err error) ErrorCode {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}
