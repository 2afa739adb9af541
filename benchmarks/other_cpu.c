#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <ucontext.h>
#include <unistd.h>
#include <sys/syscall.h>
#define SET 0x1012
static int amd, l2, big; static long hits;
static inline long prctl_raw(long a,long b){long r;__asm__ volatile("syscall":"=a"(r):"a"(158),"D"(a),"S"(b):"rcx","r11","memory");return r;}
static inline void cpuid(uint32_t a,uint32_t c,uint32_t*o){__asm__ volatile("cpuid":"=a"(o[0]),"=b"(o[1]),"=c"(o[2]),"=d"(o[3]):"a"(a),"c"(c));}
static void cache(uint32_t sub,uint32_t*o,uint32_t l1k,uint32_t l2k,uint32_t l3k,uint32_t share3){
  o[0]=o[1]=o[2]=o[3]=0; uint32_t type,level,ways,k,share=0;
  switch(sub){case 0:type=1;level=1;ways=8;k=l1k;break;case 1:type=2;level=1;ways=8;k=32;break;case 2:type=3;level=2;ways=8;k=l2k;break;case 3:type=3;level=3;ways=16;k=l3k;share=share3;break;default:return;}
  o[0]=type|(level<<5)|(1<<8)|(share<<14); o[1]=63|((ways-1)<<22); o[2]=k*1024/64/ways-1;}
static void on(int n,siginfo_t*i,void*v){ucontext_t*u=v;greg_t*g=u->uc_mcontext.gregs;unsigned char*p=(unsigned char*)g[REG_RIP];
  if(p[0]!=0x0f||p[1]!=0xa2){signal(SIGSEGV,SIG_DFL);return;}
  hits++;
  uint32_t a=g[REG_RAX],c=g[REG_RCX],o[4];prctl_raw(SET,1);cpuid(a,c,o);
  if(a==7&&c==0){o[1]&=~((1u<<16)|(1u<<17)|(1u<<21)|(1u<<26)|(1u<<27)|(1u<<28)|(1u<<30)|(1u<<31));o[2]&=~((1u<<1)|(1u<<6)|(1u<<8)|(1u<<11)|(1u<<12)|(1u<<14));o[3]&=~((1u<<2)|(1u<<3)|(1u<<8)|(1u<<22)|(1u<<23)|(1u<<24)|(1u<<25)|(1u<<4));o[0]=0;}
  if(a==7&&c==1)memset(o,0,16);
  if(a==0x24||a==0x1e||a==0x1d)memset(o,0,16);
  if(amd){
    if(a==0){memcpy(&o[1],"Auth",4);memcpy(&o[3],"enti",4);memcpy(&o[2],"cAMD",4);o[0]=0x10;}
    if(a==1){o[0]=amd==2?0x00830f10:0x00a20f10;}
    if(a==4||a==2)memset(o,0,16);
    if(a==0x80000000){o[0]=0x8000001f;memcpy(&o[1],"Auth",4);memcpy(&o[3],"enti",4);memcpy(&o[2],"cAMD",4);}
    if(a==0x80000001){o[0]=amd==2?0x00830f10:0x00a20f10;o[2]|=1u<<22;}
    if(a==0x80000005){o[0]=o[1]=0xff40ff40;o[2]=0x20080140;o[3]=0x20080140;}
    if(a==0x80000006){o[2]=0x02006140;o[3]=0x01009140;}
    if(a==0x8000001d)cache(c,o,32,512,32768,7);
    if(a==0x8000001e){o[0]=0;o[1]=0;o[2]=0;o[3]=0;}
    if(a==0x16||a==0x15)memset(o,0,16);
  } else if(!big){ if(a==4)cache(c,o,32,l2?l2:256,30720,7); if(a==1)o[0]=0x000306f2; }
  prctl_raw(SET,0);
  g[REG_RAX]=o[0];g[REG_RBX]=o[1];g[REG_RCX]=o[2];g[REG_RDX]=o[3];g[REG_RIP]+=2;}
__attribute__((destructor)) static void bye(void){if(getenv("HIDE_SAY"))fprintf(stderr,"[hide: %ld cpuid]\n",hits);}
__attribute__((constructor)) static void go(void){const char*f=getenv("OTHER_CPU");if(!f)return;amd=!strcmp(f,"zen3")?1:!strcmp(f,"zen2")?2:0;big=!strcmp(f,"same");
  struct sigaction s={0};s.sa_sigaction=on;s.sa_flags=SA_SIGINFO|SA_NODEFER|SA_ONSTACK;sigaction(SIGSEGV,&s,0);prctl_raw(SET,0);}
