import { SimpleGrid, UnstyledButton, type SimpleGridProps } from "@mantine/core";
import classes from "./Keys.module.css";

const keys = [
  ["1", ""],
  ["2", "ABC"],
  ["3", "DEF"],
  ["4", "GHI"],
  ["5", "JKL"],
  ["6", "MNO"],
  ["7", "PQRS"],
  ["8", "TUV"],
  ["9", "WXYZ"],
  ["*", ""],
  ["0", "+"],
  ["#", ""],
] as const;

/** The twelve keys of a telephone. */
export function Keys({ onKey, ...rest }: { onKey: (key: string) => void } & SimpleGridProps) {
  return (
    <SimpleGrid cols={3} spacing={8} verticalSpacing={8} {...rest}>
      {keys.map(([key, letters]) => (
        <UnstyledButton
          key={key}
          className={classes.key}
          aria-label={key}
          onClick={() => onKey(key)}
        >
          <span>{key}</span>
          <small aria-hidden>{letters}</small>
        </UnstyledButton>
      ))}
    </SimpleGrid>
  );
}
