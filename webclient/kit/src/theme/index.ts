export { KlapkaProvider } from "./KlapkaProvider.tsx";
export { cssVariables, theme } from "./theme.ts";
