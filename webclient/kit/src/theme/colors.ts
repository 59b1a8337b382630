import type { MantineColorsTuple } from "@mantine/core";

/** Petrol: the product's own colour; 6 and darker carry white text at AA. */
export const petrol: MantineColorsTuple = [
  "#eaf6f7",
  "#d2eaec",
  "#a5d5d9",
  "#74bec5",
  "#4aa8b2",
  "#2a93a0",
  "#117884",
  "#0b6772",
  "#085560",
  "#06434c",
];

/** Slate: neutrals of the dark scheme, a trace of petrol in them. */
export const slate: MantineColorsTuple = [
  "#e4eaee",
  "#c9d3da",
  "#a7b5bf",
  "#7d8c98",
  "#43515d",
  "#333f49",
  "#263039",
  "#171f26",
  "#11181e",
  "#0b1115",
];

/** Neutrals of the light scheme. */
export const mist: MantineColorsTuple = [
  "#f6f8f9",
  "#eef2f4",
  "#e2e8eb",
  "#d2dadf",
  "#bac5cc",
  "#98a6af",
  "#6b7a85",
  "#4d5b66",
  "#33404a",
  "#1f2a32",
];
