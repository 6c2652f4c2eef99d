export function TypingLine({ names }) {
  return (
    <p class="typing" data-testid="typing">
      {names.length > 0 && (
        <>
          <span class="typing-dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {sentence(names)}
        </>
      )}
    </p>
  );
}

function sentence(names) {
  if (names.length > 3) return 'Several people are typing…';
  const list = new Intl.ListFormat('en', { type: 'conjunction' }).format(names);
  return `${list} ${names.length > 1 ? 'are' : 'is'} typing…`;
}
