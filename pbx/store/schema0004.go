package store

// schema0004: whether the sound of a device is encrypted; empty is off.
const schema0004 = `
ALTER TABLE devices ADD COLUMN encryption text NOT NULL DEFAULT '';
`
