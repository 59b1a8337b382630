import { createTheme, type CSSVariablesResolver, type MantineThemeOverride } from "@mantine/core";
import { mist, petrol, slate } from "./colors.ts";

/** A dialog's head is no banner of the page, though it is a header element. */
const attributes = { header: { role: "presentation" } };

/** The look of every page. */
export const theme: MantineThemeOverride = createTheme({
  primaryColor: "petrol",
  primaryShade: { light: 7, dark: 6 },
  colors: { petrol, dark: slate, gray: mist },
  fontFamily:
    '"Inter", "Segoe UI Variable Text", "Segoe UI", system-ui, -apple-system, "Helvetica Neue", "Noto Sans", sans-serif',
  headings: { fontWeight: "650" },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Tooltip: { defaultProps: { openDelay: 400, withArrow: true, withinPortal: false } },
    ActionIcon: { defaultProps: { variant: "subtle", color: "gray" } },
    Modal: {
      defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.45 }, attributes },
    },
    Drawer: { defaultProps: { overlayProps: { backgroundOpacity: 0.45 }, attributes } },
    // Lists open where they belong in the document, so that they stay within its
    // landmarks and next to their button in reading order.
    Menu: {
      defaultProps: {
        withinPortal: false,
        // The placeholder is no menu item, which a menu's children must be.
        withInitialFocusPlaceholder: false,
        shadow: "md",
        zIndex: 200,
      },
    },
    Select: { defaultProps: { comboboxProps: { withinPortal: false, shadow: "md" } } },
    Badge: { styles: { root: { textTransform: "none" } } },
    SegmentedControl: {
      styles: { root: { background: "var(--k-well)", border: "1px solid var(--k-line)" } },
    },
    Loader: { defaultProps: { type: "dots" } },
  },
});

/**
 * Mantine's own grey texts fall short of 4.5:1 (WCAG 2.2 §1.4.3), and so do its
 * light and outline variants in some colours; each is set to a shade that
 * reaches it on every surface we put it on.
 */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-body": "#ffffff",
    "--mantine-color-text": mist[9],
    "--mantine-color-dimmed": "#52606b",
    "--mantine-color-placeholder": "#5f6d78",
    "--mantine-color-error": "#b3261e",
    "--mantine-color-anchor": petrol[7],
    "--mantine-color-gray-light-color": mist[8],
    "--mantine-color-gray-outline": mist[7],
    "--mantine-color-green-light-color": "#1c6b36",
    "--mantine-color-red-light-color": "#a3231c",
    "--mantine-color-red-outline": "#a3231c",
    "--mantine-color-orange-light-color": "#8a4300",
    "--mantine-color-yellow-light-color": "#735000",
    "--mantine-color-blue-light-color": "#1a5a96",
    "--mantine-color-petrol-light-color": petrol[8],
    "--mantine-color-green-filled": "#1e7a3e",
    "--mantine-color-green-filled-hover": "#186634",
    "--mantine-color-red-filled": "#c22f27",
    "--mantine-color-red-filled-hover": "#a3231c",
    "--k-canvas": mist[1],
    "--k-well": mist[0],
    "--k-rail": "#0d3a41",
    "--k-rail-text": "#d3e6e8",
    "--k-line": mist[2],
    "--k-free": "#1f7443",
    "--k-ringing": "#a35200",
    "--k-talking": "#b3261e",
    "--k-held": "#1a5a96",
    "--k-offline": "#6b7a85",
  },
  dark: {
    "--mantine-color-text": slate[0],
    "--mantine-color-dimmed": slate[2],
    "--mantine-color-placeholder": "#94a3ae",
    "--mantine-color-error": "#ff9a92",
    "--mantine-color-anchor": petrol[3],
    "--mantine-color-gray-light-color": slate[1],
    "--mantine-color-red-light-color": "#ffaaa3",
    "--mantine-color-red-outline": "#ffaaa3",
    "--mantine-color-green-light-color": "#8fdcab",
    "--mantine-color-orange-light-color": "#ffc078",
    "--mantine-color-yellow-light-color": "#ffd98a",
    "--mantine-color-blue-light-color": "#9fcbf5",
    "--mantine-color-petrol-light-color": petrol[2],
    "--mantine-color-green-filled": "#1e7a3e",
    "--mantine-color-green-filled-hover": "#25904a",
    "--mantine-color-red-filled": "#c22f27",
    "--mantine-color-red-filled-hover": "#d43f36",
    "--mantine-color-gray-light": "rgb(125 140 152 / 18%)",
    "--mantine-color-petrol-light": "rgb(42 147 160 / 18%)",
    "--mantine-color-petrol-light-hover": "rgb(42 147 160 / 28%)",
    "--k-canvas": slate[8],
    "--k-well": slate[9],
    "--k-rail": "#0a1519",
    "--k-rail-text": "#bcd0d4",
    "--k-line": slate[5],
    "--k-free": "#5cc98a",
    "--k-ringing": "#ffb057",
    "--k-talking": "#ff8b82",
    "--k-held": "#84bdf2",
    "--k-offline": "#8b9aa5",
  },
});
