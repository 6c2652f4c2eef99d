import { useEffect, useState } from 'preact/hooks';
import { Chat } from '../session/chat.js';
import { forget, identify, rememberUser } from '../session/identity.js';
import { ChatView } from './ChatView.jsx';
import { SignIn } from './SignIn.jsx';

export function App() {
  const [identity, setIdentity] = useState(identify);
  const [chat, setChat] = useState(null);
  useEffect(() => {
    if (!identity) return undefined;
    const started = new Chat(identity);
    setChat(started);
    return () => {
      started.end();
      setChat(null);
    };
  }, [identity]);

  const signIn = (user) => {
    rememberUser(user);
    setIdentity({ user });
  };
  const signOut = () => {
    forget();
    setIdentity(null);
  };
  if (!identity) return <SignIn onSignIn={signIn} />;
  return chat && <ChatView chat={chat} onSignOut={signOut} />;
}
