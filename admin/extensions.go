package admin

import (
	"context"

	"klapka.dev/klapka/pbx"
)

// Extension is an internal number.
type Extension struct {
	Number   string       `json:"number"`
	Name     string       `json:"name"`
	UserID   *string      `json:"user_id" doc:"null: a shared phone"`
	UserName string       `json:"user_name"`
	Language pbx.Language `json:"language" doc:"Empty: the person's or the company's."`
	Disabled bool         `json:"disabled"`
	Devices  int          `json:"devices" doc:"How many phones are on it."`
}

// ExtensionInput is a number to create.
type ExtensionInput struct {
	Number   string       `json:"number" minLength:"1" maxLength:"10"`
	Name     string       `json:"name,omitempty" maxLength:"100"`
	UserID   Text         `json:"user_id,omitempty"`
	Language pbx.Language `json:"language,omitempty" enum:",en,de,cs"`
	Disabled bool         `json:"disabled,omitempty"`
}

// ExtensionChange is what is to be changed; what is left out stays. The number
// itself cannot change.
type ExtensionChange struct {
	Number   *string       `json:"number,omitempty" maxLength:"10" doc:"Must be the one it has."`
	Name     *string       `json:"name,omitempty" maxLength:"100"`
	UserID   Text          `json:"user_id,omitempty"`
	Language *pbx.Language `json:"language,omitempty" enum:",en,de,cs"`
	Disabled *bool         `json:"disabled,omitempty"`
}

type (
	extensionPath struct {
		Number string `path:"number" maxLength:"10"`
	}
	extensionChange struct {
		Number string `path:"number" maxLength:"10"`
		Body   ExtensionChange
	}
	extensionsOutput struct {
		Body []Extension `nullable:"false"`
	}
	extensionOutput struct{ Body Extension }
)

func extensionOf(e pbx.Extension, user pbx.User, devices int) Extension {
	return Extension{
		Number: e.Number, Name: e.Name, UserID: null(e.UserID), UserName: user.Name(), Language: e.Language,
		Disabled: e.Disabled, Devices: devices,
	}
}

func (a API) listExtensions(ctx context.Context, _ *struct{}) (*extensionsOutput, error) {
	extensions, err := a.Store.Extensions(ctx)
	if err != nil {
		return nil, err
	}
	users, err := a.Store.Users(ctx)
	if err != nil {
		return nil, err
	}
	devices, err := a.Store.Devices(ctx)
	if err != nil {
		return nil, err
	}
	byID, on := make(map[string]pbx.User, len(users)), map[string]int{}
	for _, u := range users {
		byID[u.ID] = u
	}
	for _, d := range devices {
		on[d.Extension]++
	}
	out := &extensionsOutput{Body: make([]Extension, len(extensions))}
	for i, e := range extensions {
		out.Body[i] = extensionOf(e, byID[e.UserID], on[e.Number])
	}
	return out, nil
}

func (a API) getExtension(ctx context.Context, in *extensionPath) (*extensionOutput, error) {
	e, err := a.Store.Extension(ctx, in.Number)
	if err != nil {
		return nil, err
	}
	return a.extension(ctx, e)
}

// extension completes an extension with what hangs on it.
func (a API) extension(ctx context.Context, e pbx.Extension) (*extensionOutput, error) {
	var u pbx.User
	if e.UserID != "" {
		var err error
		if u, err = a.Store.User(ctx, e.UserID); err != nil {
			return nil, err
		}
	}
	devices, err := a.Store.DevicesOf(ctx, e.Number)
	return &extensionOutput{extensionOf(e, u, len(devices))}, err
}

func (a API) createExtension(ctx context.Context, in *struct{ Body ExtensionInput }) (*extensionOutput, error) {
	b := in.Body
	e := pbx.Extension{Number: b.Number, Name: b.Name, UserID: b.UserID.Value, Language: b.Language, Disabled: b.Disabled}
	if err := a.Store.CreateExtension(ctx, &e); err != nil {
		return nil, err
	}
	a.changed(ctx)
	return a.extension(ctx, e)
}

func (a API) changeExtension(ctx context.Context, in *extensionChange) (*extensionOutput, error) {
	c := in.Body
	if c.Number != nil && *c.Number != in.Number {
		return nil, pbx.FieldErrorf("number", "a number cannot be changed; add the new one and remove this one")
	}
	var e pbx.Extension
	err := a.Store.Within(ctx, func(tx pbx.People) (err error) {
		if e, err = tx.Extension(ctx, in.Number); err != nil {
			return err
		}
		set(&e.Name, c.Name)
		set(&e.Language, c.Language)
		set(&e.Disabled, c.Disabled)
		if c.UserID.Given {
			e.UserID = c.UserID.Value
		}
		return tx.UpdateExtension(ctx, &e)
	})
	if err != nil {
		return nil, err
	}
	a.changed(ctx)
	if e.Disabled {
		a.dropExtension(ctx, e.Number)
	}
	return a.extension(ctx, e)
}

func (a API) deleteExtension(ctx context.Context, in *extensionPath) (*struct{}, error) {
	if err := a.Store.DeleteExtension(ctx, in.Number); err != nil {
		return nil, err
	}
	a.changed(ctx)
	return nil, nil
}

// dropExtension forgets where the devices of a number are. The change that asks
// for it is stored already; what is registered ends by itself should this fail.
func (a API) dropExtension(ctx context.Context, number string) {
	devices, err := a.Store.DevicesOf(ctx, number)
	if err != nil {
		a.Log.Warn("registrations not dropped", "ext", number, "error", err)
	}
	for _, d := range devices {
		a.Registrations.Drop(d.ID)
	}
}
