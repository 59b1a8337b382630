/**
 * The mark: a K whose upper arm is a flap standing open. Decorative beside the
 * name; give it a label where it stands alone.
 */
export function LogoMark({ size = 32, label }: { size?: number; label?: string }) {
  const named = label ? { role: "img", "aria-label": label } : { "aria-hidden": true };
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" {...named}>
      <rect width="32" height="32" rx="9" fill="#0f7c88" />
      <path d="M10.5 8v16" stroke="#fff" strokeWidth="3.6" strokeLinecap="round" />
      <path d="M15.4 16.9 22 24" stroke="#fff" strokeWidth="3.6" strokeLinecap="round" />
      <path d="M15.2 12.9 20.4 7.4" stroke="#ffc46b" strokeWidth="3.6" strokeLinecap="round" />
      <path
        d="M23.1 10.4a8 8 0 0 1 1.3 5.2"
        stroke="#ffc46b"
        strokeWidth="2.2"
        strokeLinecap="round"
      />
    </svg>
  );
}
