/**
 * Watches how loud a stream is: calls back with 0 to 1 on a scale that matches
 * the ear (-60 dB to 0 dB), about thirty times a second. The answer stops it.
 */
export function watchLevel(stream: MediaStream, onLevel: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    onLevel(loudness(samples));
  }, 33);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}

/** The loudness of a run of samples (-1 to 1) as 0 (-60 dB or less) to 1 (0 dB). */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const s of samples) sum += s * s;
  const decibels = 10 * Math.log10(sum / samples.length + 1e-12);
  return Math.min(1, Math.max(0, 1 + decibels / 60));
}
